"""What a dataset's numbers mean: by their names, else by how they move."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.policy.embodiment import UR3
from mu0.policy.own_robot.recognition import main_view_first, names_of, recognise
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.places import Episode
from mu0.sources.lerobot.robot_episodes import RobotEpisode
from mu0.sources.lerobot.ur3_features import ACTION_NAMES, STATE_NAMES
from tests.mu0.policy.own_robot.robots import joint_names, swing

SHARED = Path(__file__).parents[5] / "shared/data"
CAMERAS = ("observation.images.top",)


def layout(state: Any, action: Any) -> Layout:
    features = {"observation.state": {"names": state}, "action": {"names": action}}
    return Layout(Path(), "v2.1", 30.0, "arm", features, {}, {}, ())


def episodes(*pairs: tuple[np.ndarray, np.ndarray]) -> list[RobotEpisode]:
    return [
        RobotEpisode(Episode(f"episode_{i}"), state.astype(np.float32), action.astype(np.float32), "pick")
        for i, (state, action) in enumerate(pairs)
    ]


@pytest.mark.parametrize("n_joints", [6, 7, 14])
@pytest.mark.parametrize("is_named", [True, False])
def test_commanded_joints_are_told_from_measured_ones(n_joints: int, is_named: bool) -> None:
    names = joint_names(n_joints) if is_named else None
    found = recognise(layout(names, names), episodes(swing(40, n_joints, 0)), CAMERAS)
    assert found.action_kinds == ("relative",) * (n_joints - 1) + ("absolute",)
    assert found.relative_to == (*range(n_joints - 1), None)
    assert found.grippers == (n_joints - 1,)
    assert (found.rate_hz, found.name, found.cameras) == (30.0, "arm", CAMERAS)


def test_names_find_their_state_in_any_order() -> None:
    state, action = swing(40, 4, 0)
    found = recognise(
        layout(["d", "c", "b", "a"], ["a", "b", "c", "d"]), episodes((state[:, ::-1], action)), CAMERAS
    )
    assert found.relative_to == (3, 2, 1, 0)
    assert found.keyframe_dims == 0


def test_changes_of_the_state_are_increments() -> None:
    state, action = swing(40, 3, 0, gripper=False)
    found = recognise(layout(None, None), episodes((state, action - state)), CAMERAS)
    assert found.action_kinds == ("delta",) * 3
    assert found.deltas == (0, 1, 2)


def test_a_robot_may_need_a_moment_to_do_what_it_is_told() -> None:
    state, action = swing(40, 3, 0, gripper=False)
    increments = np.roll((action - state) * np.cos(np.arange(40) * 2.4)[:, None], -2, axis=0)
    moved = np.cumsum(np.roll(increments, 2, axis=0), axis=0)
    late = np.concatenate([np.zeros((1, 3)), moved[:-1]])
    found = recognise(layout(None, None), episodes((late, increments)), CAMERAS)
    assert found.action_kinds == ("delta",) * 3


@pytest.mark.real_data
def test_a_real_arm_that_is_told_increments_is_known() -> None:
    """BridgeData V2, one trajectory: increments of a pose, done a row later; its gripper stays open."""
    file = SHARED / "bridge_v2_drawer/robot_state.npz"
    if not file.exists():
        pytest.skip("../shared/data is absent")
    with np.load(file) as recorded:
        one = (recorded["state"][:-1], recorded["actions"])
    found = recognise(layout(None, None), episodes(one), CAMERAS)
    assert found.action_kinds == ("delta",) * 6 + ("absolute",)


def test_a_name_can_say_that_it_is_an_increment() -> None:
    state, action = swing(40, 2, 0, gripper=False)
    found = recognise(layout(["x", "y"], ["x", "delta_y"]), episodes((state, action)), CAMERAS)
    assert found.action_kinds == ("relative", "delta")


def test_what_follows_nothing_is_absolute() -> None:
    rng = np.random.default_rng(0)
    state, action = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    found = recognise(layout(None, None), episodes((state, action)), CAMERAS)
    assert found.action_kinds == ("absolute",) * 3


def test_fingers_that_rest_are_no_grippers() -> None:
    state, action = swing(40, 3, 0)
    state[:, 1] = action[:, 1] = 0.001 * action[:, 2]
    names = ["joint", "left_finger", "right_finger"]
    found = recognise(layout(names, names), episodes((state, action)), CAMERAS)
    assert found.grippers == (2,)
    assert found.action_kinds == ("relative", "absolute", "absolute")


def test_fingers_that_glide_are_targets_and_no_part_of_the_pose() -> None:
    names = ["joint", "left_finger", "right_finger"]
    found = recognise(layout(names, names), episodes(swing(40, 3, 0, gripper=False)), CAMERAS)
    assert found.action_kinds == ("relative",) * 3
    assert found.grippers == (1, 2)
    assert (found.pose, found.keyframe_dims, len(found.keyframe_scale)) == ((0,), 1, 1)


def test_limits_lie_a_little_beyond_what_was_seen_and_floors_are_shares_of_it() -> None:
    action = np.array([[0.0, 5.0], [10.0, 5.0]] * 20)
    found = recognise(layout(None, None), episodes((action, action)), CAMERAS)
    np.testing.assert_allclose(found.action_low, [-0.5, 5.0])
    np.testing.assert_allclose(found.action_high, [10.5, 5.0])
    np.testing.assert_allclose(found.action_floor, [0.2, 1.0])


def test_our_own_arm_is_known() -> None:
    rng = np.random.default_rng(0)
    own = episodes((rng.normal(size=(20, 9)), rng.normal(size=(20, 5))))
    assert recognise(layout(STATE_NAMES, ACTION_NAMES), own, UR3.cameras) is UR3


@pytest.mark.parametrize(
    "names", [["a", "b"], [["a", "b"]], {"motors": ["a", "b"]}, {"left": ["a"], "right": ["b"]}]
)
def test_names_are_found_however_they_are_nested(names: Any) -> None:
    assert names_of({"names": names}, 2, "action") == ("a", "b")


@pytest.mark.parametrize("names", [None, ["a"], 3])
def test_without_a_name_for_each_there_are_numbers(names: Any) -> None:
    assert names_of({"names": names}, 2, "action") == ("action_0", "action_1")


def test_wrists_come_behind_the_scene() -> None:
    cameras = ("observation.images.left_wrist", "observation.images.top", "observation.images.side")
    assert main_view_first(cameras) == (cameras[1], cameras[2], cameras[0])
