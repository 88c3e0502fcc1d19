"""The described gripper is the simulator's, and commands are poses."""

import numpy as np
import pytest

from mu0.envs.ur3.controller import top_down_rotation
from mu0.errors import PolicyError
from mu0.trace_policy.embodiment import command_of, top_down_pose
from mu0.trace_policy.refusals import TraceNotFiniteError
from mu0.trace_policy.ur3 import read_ur3, ur3_embodiment
from mu0.trace_policy.view import CalibratedView

COMMAND = np.array([0.3, -0.1, 0.2, 0.7])


def test_a_command_is_a_pose_and_back() -> None:
    pose = top_down_pose(COMMAND)
    np.testing.assert_allclose(pose[:3, :3], top_down_rotation(COMMAND[3]), atol=1e-12)
    np.testing.assert_allclose(command_of(pose, 0.0), COMMAND)
    np.testing.assert_allclose(command_of(pose, 7.0), np.add(COMMAND, [0, 0, 0, 2 * np.pi]))


def test_opening_moves_the_fingers_apart_and_not_the_palm() -> None:
    hand = ur3_embodiment()
    opened, closed = hand.points_m(np.eye(4), 0.0), hand.points_m(np.eye(4), 1.0)
    shift_m = opened - closed
    still = np.abs(shift_m).max(axis=1) < 1e-12
    assert still.sum() == 16
    np.testing.assert_allclose(shift_m[~still, 1] * np.sign(closed[~still, 1]), 0.0425)
    np.testing.assert_allclose(opened.mean(axis=0), closed.mean(axis=0), atol=1e-12)  # opening turns nothing


@pytest.mark.parametrize("yaw_rad", np.linspace(-np.pi, np.pi, 9))
def test_one_side_faces_a_camera_however_the_hand_is_turned(toy_view: CalibratedView, yaw_rad: float) -> None:
    hand = ur3_embodiment()
    state = np.array([*COMMAND[:3], yaw_rad, 0, 0, *COMMAND[:3]], np.float32)
    facing = hand.facing(read_ur3(state), toy_view.eye_m)
    assert len(facing) == 10
    assert len(np.unique(hand.normal[facing], axis=0)) == 1
    outside = top_down_pose(state[:4])[:3, :3] @ hand.normal[facing[0]]
    away = toy_view.eye_m - COMMAND[:3]
    assert outside[:2] @ away[:2] / np.linalg.norm(away[:2]) > 0.6  # no other side is nearer to it
    state[3] += np.pi
    assert set(facing).isdisjoint(hand.facing(read_ur3(state), toy_view.eye_m))


def test_what_is_no_state_is_refused() -> None:
    for state in (None, np.zeros(8)):
        with pytest.raises(PolicyError, match="state is"):
            read_ur3(state)
    with pytest.raises(TraceNotFiniteError, match="nan"):
        read_ur3(np.full(9, np.nan))


def test_a_view_projects_there_and_back(toy_view: CalibratedView) -> None:
    points_m = np.random.default_rng(0).uniform([0.1, -0.3, 0], [0.5, 0.3, 0.3], (20, 3))
    np.testing.assert_allclose(toy_view.base_m(toy_view.uvz(points_m)), points_m, atol=1e-6)
    np.testing.assert_allclose(toy_view.eye_m, [0.92, 0.0, 0.52], atol=1e-12)
    shown = toy_view.shows(np.array([[0.26, 0.05, 0.07], [0.26, 2.0, 0.07], [1.5, 0.0, 0.8]]))
    assert shown.tolist() == [True, False, False]
