"""The MJCF arm is the published arm."""

import mujoco
import numpy as np

from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.kinematics import A2_M, A3_M, D1_M, D4_M, D5_M, D6_M, JOINTS

# a [m], alpha [rad], d [m] of each joint
DH_TABLE = (
    (0.0, np.pi / 2, D1_M),
    (A2_M, 0.0, 0.0),
    (A3_M, 0.0, 0.0),
    (0.0, np.pi / 2, D4_M),
    (0.0, -np.pi / 2, D5_M),
    (0.0, 0.0, D6_M),
)


def flange_pose(joints_rad: np.ndarray) -> np.ndarray:
    """`base_from_flange`: pose of the tool flange (wrist 3) in the controller's base frame [m]."""
    pose = np.eye(4)
    for (a, alpha, d), theta in zip(DH_TABLE, joints_rad, strict=True):
        ct, st, ca, sa = np.cos(theta), np.sin(theta), np.cos(alpha), np.sin(alpha)
        pose = pose @ np.array(
            [
                [ct, -st * ca, st * sa, a * ct],
                [st, ct * ca, -ct * sa, a * st],
                [0.0, sa, ca, d],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
    return pose


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
