"""A way stays high until it is above its goal, then comes straight down; outside it is refused."""

import numpy as np
import pytest

from mu0.trace_policy.refusals import WorkspaceError
from mu0.trace_policy.ur3 import ur3_embodiment
from mu0.trace_policy.ways import way_along, way_to

HAND = ur3_embodiment()
START, GOAL = np.array([0.3, 0.1, 0.24, 0.2]), np.array([0.34, -0.12, 0.02, 0.6])
PATH = np.linspace(START, GOAL, 12)[1:]  # cuts through whatever stands beside the goal


def test_it_is_high_until_above_the_goal_and_then_straight() -> None:
    way = way_to(START, PATH, GOAL, HAND, standoff_m=0.12, heights_m=(0.16, 0.26))
    commands = np.array(way.commands)
    np.testing.assert_allclose(commands[-1], GOAL)
    assert way.ends
    aside_m = np.linalg.norm(commands[:, :2] - GOAL[:2], axis=1)
    assert commands[aside_m > 0.031, 2].min() >= 0.16 - 1e-9
    last = commands[way.free + 1 :]
    assert len(last) > 5
    np.testing.assert_allclose(last[:, :2], np.broadcast_to(GOAL[:2], (len(last), 2)), atol=1e-9)


def test_popped_commands_come_in_order_and_use_up_what_is_free() -> None:
    way = way_to(START, PATH, GOAL, HAND, standoff_m=0.12, heights_m=(0.16, 0.26))
    free, first = way.free, way.commands[0]
    np.testing.assert_array_equal(way.pop(), first)
    assert way.free == free - 1


@pytest.mark.parametrize("place", [[0.34, -0.12, -0.2, 0.0], [0.9, 0, 0.1, 0], [0.3, 0.6, 0.1, 0]])
def test_goals_and_paths_outside_are_refused(place: list[float]) -> None:
    outside = np.array(place)
    with pytest.raises(WorkspaceError, match=r"(?s)leave the workspace by.*calibration"):
        way_to(START, PATH, outside, HAND, standoff_m=0.12, heights_m=(0.16, 0.26))
    with pytest.raises(WorkspaceError, match="leave the workspace"):
        way_along(START, np.stack([PATH[0], outside]), HAND, (0.16, 0.26))


def test_a_curve_that_rounds_over_the_border_is_clipped_to_it() -> None:
    low = GOAL * [1, 1, 0, 1] - [0, 0, 0.01, 0]
    way = way_to(START, PATH[:-1], low, HAND, standoff_m=0.12, heights_m=(0.16, 0.26))
    assert way.commands[-1][2] == HAND.workspace_m[2, 0]


def test_away_from_the_goal_the_way_is_neither_lower_nor_higher_than_the_travelling_heights() -> None:
    wild = np.stack([[0.3, -0.2, 0.05, 0.0], [0.3, 0.0, 0.41, 0.0], [0.3, 0.1, 0.2, 0.0]])
    way = way_along(START, wild, HAND, (0.16, 0.26))
    heights = np.stack(way.commands)[:, 2]
    assert heights[len(heights) // 2 :].min() >= 0.16 - 1e-9
    assert heights.max() <= max(0.26, START[2]) + 1e-9


def test_above_a_high_goal_it_rises_no_higher_than_it_travels() -> None:
    high = np.array([0.3, 0.2, 0.22, 0.0])
    way = way_to(START, PATH[:0], high, HAND, standoff_m=0.07, heights_m=(0.16, 0.24))
    assert np.stack(way.commands)[:, 2].max() <= 0.24 + 1e-9
    np.testing.assert_allclose(way.commands[-1], high)
