"""Where gripper and target meet is read from how they move, not from corners of a path."""

import numpy as np
import pytest

from mu0.trace_policy.embodiment import command_of
from mu0.trace_policy.meeting import MeetingSetting, meet, rigid_motions
from mu0.trace_policy.path_steps import PathSteps
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.carried_scene import GRASP_YAW_RAD, N, carried_scene
from tests.mu0.trace_policy.toy_world import PLACE_M, TARGET_M, turned


def test_the_grasp_is_where_the_grip_stands_still() -> None:
    gripper_m, target_m, tool = carried_scene()
    meeting = meet(gripper_m, target_m, tool[0], MeetingSetting(), held_now=False)
    assert meeting.grip is not None
    np.testing.assert_allclose(meeting.grip, tool[2 * N], atol=1e-9)
    np.testing.assert_allclose(meeting.tool, tool, atol=1e-9)
    assert meeting.parts
    assert 5 * N <= meeting.last <= 5 * N + 3


def test_what_is_held_now_is_held_from_now_on_until_it_is_left_behind() -> None:
    gripper_m, target_m, tool = carried_scene()
    now = 3 * N
    meeting = meet(gripper_m[:, now:], target_m[:, now:], tool[now], MeetingSetting(), held_now=True)
    assert meeting.first <= 2
    assert meeting.parts
    np.testing.assert_allclose(meeting.tool[meeting.last][:2, 3], PLACE_M[:2], atol=0.02)


def test_a_moved_world_moves_the_grasp_alike() -> None:
    gripper_m, target_m, tool = carried_scene()
    motion = turned(0.7, np.array([0.1, -0.2, 0.05]))
    there = [points_m @ motion[:3, :3].T + motion[:3, 3] for points_m in (gripper_m, target_m)]
    here = meet(gripper_m, target_m, tool[0], MeetingSetting(), held_now=False)
    moved_meeting = meet(*there, motion @ tool[0], MeetingSetting(), held_now=False)
    assert here.grip is not None
    assert moved_meeting.grip is not None
    np.testing.assert_allclose(moved_meeting.grip, motion @ here.grip, atol=1e-9)


def test_a_curve_of_ten_control_points_keeps_the_grasp_to_half_a_centimetre(
    toy_view: CalibratedView,
) -> None:
    """Its path misses the lowest point by centimetres; the grip is read where nothing is round."""
    gripper_m, target_m, tool = carried_scene()
    points_m = np.concatenate([gripper_m, target_m]).swapaxes(0, 1)
    traces_m, valid = PathSteps(32, 10)(points_m, toy_view)
    n, n_gripper = int(valid.sum()), len(gripper_m)
    meeting = meet(
        traces_m[:n_gripper, :n], traces_m[n_gripper:, :n], tool[0], MeetingSetting(), held_now=False
    )
    assert meeting.grip is not None
    assert meeting.tool[: meeting.last, 2, 3].min() > TARGET_M[2] + 0.01
    np.testing.assert_allclose(meeting.grip[:3, 3], TARGET_M, atol=0.005)
    assert command_of(meeting.grip, 0.0)[3] == pytest.approx(GRASP_YAW_RAD, abs=0.05)


def test_a_target_that_nobody_carries_has_no_grasp() -> None:
    gripper_m, target_m, tool = carried_scene()
    resting_m = np.repeat(target_m[:, :1], target_m.shape[1], axis=1)
    assert meet(gripper_m, resting_m, tool[0], MeetingSetting(), held_now=False).grip is None


def test_points_in_a_line_do_not_turn() -> None:
    line_m = np.array([[0, 0, 0], [0.01, 0, 0], [0.02, 0, 0]])[:, None] + np.linspace(0, 1, 4)[None, :, None]
    motions = rigid_motions(line_m)
    np.testing.assert_allclose(motions[:, :3, :3], np.broadcast_to(np.eye(3), (4, 3, 3)))
    np.testing.assert_allclose(motions[-1, :3, 3], [1, 1, 1])
