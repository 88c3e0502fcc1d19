"""The MJCF arm is the published arm."""

import mujoco
import numpy as np
import pytest

from mu0.envs.tabletop import build_tabletop
from mu0.envs.ur3.arm import ur3_actor
from mu0.envs.ur3.kinematics import JOINTS, ROBOTS, RobotNumbers


def flange_pose(robot: RobotNumbers, joints_rad: np.ndarray) -> np.ndarray:
    """`base_from_flange`: pose of the tool flange (wrist 3) in the controller's base frame [m]."""
    # a [m], alpha [rad], d [m] of each joint
    table = (
        (0.0, np.pi / 2, robot.d1_m),
        (robot.a2_m, 0.0, 0.0),
        (robot.a3_m, 0.0, 0.0),
        (0.0, np.pi / 2, robot.d4_m),
        (0.0, -np.pi / 2, robot.d5_m),
        (0.0, 0.0, robot.d6_m),
    )
    pose = np.eye(4)
    for (a, alpha, d), theta in zip(table, joints_rad, strict=True):
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


@pytest.mark.parametrize("robot", ROBOTS.values(), ids=ROBOTS)
def test_mjcf_and_dh_table_agree_to_rounding_error(robot: RobotNumbers) -> None:
    model = build_tabletop(ur3_actor(robot))
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    for _ in range(200):
        joints_rad = rng.uniform(-3, 3, 6)
        for name, angle in zip(JOINTS, joints_rad, strict=True):
            data.joint(name).qpos[0] = angle
        mujoco.mj_kinematics(model, data)
        expected = flange_pose(robot, joints_rad)
        base, flange = data.body("base"), data.body("wrist_3_link")
        rotation = base.xmat.reshape(3, 3).T
        np.testing.assert_allclose(rotation @ (flange.xpos - base.xpos), expected[:3, 3], atol=1e-12)
        np.testing.assert_allclose(rotation @ flange.xmat.reshape(3, 3), expected[:3, :3], atol=1e-12)
