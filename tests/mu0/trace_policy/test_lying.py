"""A long thing tells how it lies, and fingers close across it."""

import numpy as np
import pytest

from mu0.geometry.rigid import apply
from mu0.trace_policy.embodiment import top_down_pose
from mu0.trace_policy.lying import points_along, yaw_across
from mu0.trace_policy.moving_thing import POINTS_AROUND
from mu0.trace_policy.told_target import target_local_m


@pytest.mark.parametrize("angle_rad", np.linspace(-np.pi, np.pi, 13))
@pytest.mark.parametrize("near_rad", [-2.0, 0.0, 1.0])
def test_fingers_open_across_it_and_turn_no_farther_than_they_must(angle_rad: float, near_rad: float) -> None:
    direction = np.array([np.cos(angle_rad), np.sin(angle_rad)])
    yaw = yaw_across(0.02 * points_along(direction) + [0.3, 0.1, 0.02], near_rad)
    assert yaw is not None
    opening = top_down_pose(np.array([0.0, 0.0, 0.0, yaw]))[:2, 1]
    assert abs(opening @ direction) < 1e-6
    assert abs(yaw - near_rad) <= np.pi / 2 + 1e-9


@pytest.mark.parametrize("points", [POINTS_AROUND, 50 * target_local_m()])
def test_points_of_other_finders_are_not_long(points: np.ndarray) -> None:
    for yaw in (0.0, 0.4, 2.0):
        assert yaw_across(apply(top_down_pose(np.array([0.3, 0.0, 0.1, yaw])), points), 0.0) is None


def test_points_along_have_their_middle_in_the_middle() -> None:
    np.testing.assert_allclose(points_along(np.array([0.6, 0.8])).mean(axis=0), 0, atol=1e-12)
