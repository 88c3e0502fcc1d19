"""The MJCF arm is the published arm."""

import mujoco
import numpy as np

from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.kinematics import JOINTS, flange_pose


def test_mjcf_and_dh_table_agree_to_rounding_error(blind_environment: Ur3Environment) -> None:
    model, data = blind_environment.model, mujoco.MjData(blind_environment.model)
    rng = np.random.default_rng(0)
    for _ in range(200):
        joints_rad = rng.uniform(-3, 3, 6)
        for name, angle in zip(JOINTS, joints_rad, strict=True):
            data.joint(name).qpos[0] = angle
        mujoco.mj_kinematics(model, data)
        expected = flange_pose(joints_rad)
        base, flange = data.body("base"), data.body("wrist_3_link")
        rotation = base.xmat.reshape(3, 3).T
        np.testing.assert_allclose(rotation @ (flange.xpos - base.xpos), expected[:3, 3], atol=1e-12)
        np.testing.assert_allclose(rotation @ flange.xmat.reshape(3, 3), expected[:3, :3], atol=1e-12)
