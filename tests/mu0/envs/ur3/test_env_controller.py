"""Inverse kinematics reaches what it is asked to reach."""

import numpy as np

from mu0.envs.ur3.controller import InverseKinematics, top_down_rotation
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.kinematics import HOME_RAD


def test_targets_over_the_table_are_reached_to_a_tenth_of_a_millimetre(
    blind_environment: Ur3Environment,
) -> None:
    inverse = InverseKinematics(blind_environment.model)
    rng = np.random.default_rng(0)
    for _ in range(20):
        inverse.joints_rad = HOME_RAD.copy()
        position_m = rng.uniform([0.2, -0.22, 0.03], [0.36, 0.26, 0.22])
        error_m = inverse.solve(position_m, top_down_rotation(rng.uniform(-1, 1)), n_iterations=80)
        assert error_m < 1e-4


def test_a_top_down_rotation_points_down_and_is_a_rotation() -> None:
    rotation = top_down_rotation(0.7)
    np.testing.assert_allclose(rotation[:, 2], [0, 0, -1])
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotation), 1.0)
