"""Where a thing is put is read from its own path, from all questions since it was taken."""

import numpy as np
import pytest

from mu0.trace_policy.agreement import AgreementSetting
from mu0.trace_policy.embodiment import ToolState
from mu0.trace_policy.plans import PlanSetting, Reading, common_goal, read_samples
from mu0.trace_policy.sources import Futures
from mu0.trace_policy.ways import is_detour
from tests.mu0.trace_policy.carried_scene import N, carried_scene
from tests.mu0.trace_policy.toy_world import PLACE_M

TARGET = PlanSetting(place_at="target")


def carried(n_valid: int | None = None, width: int = 1) -> tuple[Futures, ToolState]:
    """The scene from the moment when the thing is in the hand; paths are means over `width` steps."""
    gripper_m, target_m, tool = carried_scene()
    gripper_m, target_m, tool = gripper_m[:, 3 * N :], target_m[:, 3 * N :], tool[3 * N :]
    gripper_m, target_m = (rounded(points_m, width) for points_m in (gripper_m, target_m))
    valid = np.arange(gripper_m.shape[1]) < (n_valid or gripper_m.shape[1])
    state = ToolState(tool[0], np.array([*tool[0][:3, 3], 0.0]), closed=0.5, closing=True)
    return Futures(gripper_m[None], target_m[None], valid[None]), state


def rounded(points_m: np.ndarray, width: int) -> np.ndarray:
    """Corners cut off, as curves of few control points do."""
    steps = np.arange(points_m.shape[1])[:, None] + np.arange(width) - width // 2
    smooth_m: np.ndarray = points_m[:, np.clip(steps, 0, points_m.shape[1] - 1)].mean(axis=2)
    smooth_m[:, 0] = points_m[:, 0]  # it begins where it is
    return smooth_m


def test_the_place_is_where_the_target_goes_farthest() -> None:
    futures, tool = carried()
    [reading] = read_samples(futures, tool, TARGET, carries=True)
    assert reading.goal is not None
    assert reading.ends
    np.testing.assert_allclose(reading.goal[:2], PLACE_M[:2], atol=0.01)


@pytest.mark.parametrize("width", [13, 25])
def test_where_corners_are_cut_off_it_is_nearer_than_where_they_part(width: int) -> None:
    futures, tool = carried(width=width)
    away_m = []
    for setting in (TARGET, PlanSetting()):
        [reading] = read_samples(futures, tool, setting, carries=True)
        assert reading.goal is not None
        away_m.append(float(np.linalg.norm(reading.goal[:2] - PLACE_M[:2])))
    assert away_m[0] < 0.01
    assert away_m[0] < away_m[1]


def test_a_future_that_is_cut_before_anything_parts_still_says_where_the_target_was_last() -> None:
    futures, tool = carried(n_valid=2 * N)
    [reading] = read_samples(futures, tool, TARGET, carries=True)
    assert reading.goal is not None
    assert reading.ends  # nothing is foreseen after that
    last_m = futures.target_m[0, :, 2 * N - 1].mean(axis=0) - futures.target_m[0, :, 0].mean(axis=0)
    np.testing.assert_allclose(reading.goal[:2], tool.command[:2] + last_m[:2], atol=1e-9)


def reading_at(x_m: float, y_m: float) -> Reading:
    futures, tool = carried()
    [one] = read_samples(futures, tool, TARGET, carries=True)
    return Reading(one.meeting, np.array([x_m, y_m, 0.18, 0.0]), ends=True)


def test_what_was_foreseen_before_counts_as_much_as_what_is_foreseen_now() -> None:
    start, agreement = np.array([0.3, 0.0, 0.2, 0.0]), AgreementSetting(within_m=0.1)
    now = [reading_at(0.28, 0.20), reading_at(0.26, 0.22)]
    earlier = [np.array([0.28, y_m, 0.18, 0.0]) for y_m in (0.26, 0.24, 0.25, 0.23)]
    found = common_goal(now, earlier, start, agreement, carries=True)
    assert found is not None
    np.testing.assert_allclose(found.goal[1], np.mean([0.20, 0.22, 0.26, 0.24, 0.25, 0.23]))
    assert any(found.along is reading for reading in now)


def test_wild_questions_alone_agree_on_nothing() -> None:
    start, agreement = np.array([0.3, 0.0, 0.2, 0.0]), AgreementSetting()
    now = [reading_at(0.2, 0.1), reading_at(0.35, 0.3), reading_at(0.2, 0.3)]
    assert common_goal(now, [], start, agreement, carries=True) is None


@pytest.mark.parametrize(("bulge_m", "expected"), [(0.0, False), (0.05, False), (0.2, True)])
def test_a_way_around_is_a_detour_when_it_is_much_longer(bulge_m: float, *, expected: bool) -> None:
    start, goal = np.array([0.3, 0.1, 0.2, 0.0]), np.array([0.3, -0.2, 0.03, 0.0])
    share = np.linspace(0, 1, 12)[1:-1]
    path = start + share[:, None] * (goal - start)
    path[:, 0] += bulge_m * np.sin(np.pi * share)
    assert is_detour(start, path, goal) is expected


def test_what_comes_after_the_goal_makes_no_detour() -> None:
    start, goal = np.array([0.3, 0.1, 0.2, 0.0]), np.array([0.3, -0.2, 0.03, 0.0])
    there = start + np.linspace(0, 1, 12)[1:, None] * (goal - start)
    assert not is_detour(start, np.concatenate([there, there[::-1]]), goal)
