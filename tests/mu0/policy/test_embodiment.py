"""The record of a robot's numbers: sizes follow from it, its parts fit, and it comes back from disk."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.errors import CheckpointError
from mu0.policy.embodiment import UR3, Embodiment, EmbodimentError, read_embodiment, write_embodiment
from mu0.sources.lerobot.ur3_features import ACTION_NAMES, STATE_NAMES


def test_our_arm_is_what_our_demonstrations_say() -> None:
    assert list(UR3.state_names) == STATE_NAMES
    assert list(UR3.action_names) == ACTION_NAMES
    assert (UR3.pose, UR3.pose_state, UR3.keyframe_dims) == ((0, 1, 2, 3), (0, 1, 2, 3), 4)


def test_without_a_gripper_there_is_no_keyframe() -> None:
    assert dataclasses.replace(UR3, grippers=()).keyframe_dims == 0


def test_a_gripper_is_closed_on_the_upper_half_of_its_way() -> None:
    actions = np.array([[0, 0, 0, 0, 0.4], [0, 0, 0, 0, 0.6]])
    np.testing.assert_array_equal(UR3.closed(actions)[:, 0], [False, True])
    wide = dataclasses.replace(UR3, action_low=(-1.0,) * 4 + (0.0,), action_high=(1.0,) * 4 + (100.0,))
    np.testing.assert_array_equal(wide.closed(100 * actions)[:, 0], [False, True])


def test_commands_keep_to_the_limits_where_there_are_any() -> None:
    action = np.array([5.0, -5.0, 0.5, 0.0, 0.0])
    assert UR3.clipped(action) is action
    limited = dataclasses.replace(UR3, action_low=(-1.0,) * 5, action_high=(1.0,) * 5)
    np.testing.assert_array_equal(limited.clipped(action), [1.0, -1.0, 0.5, 0.0, 0.0])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"rate_hz": 0.0}, "a rate of 0.0 Hz"),
        ({"cameras": ()}, "no camera"),
        ({"action_kinds": ("relative",) * 4}, "the kinds"),
        ({"relative_to": (0, 1, 2, None, None)}, "the references"),
        ({"relative_to": (0, 1, 2, 99, None)}, "the references"),
        ({"grippers": (5,)}, "the grippers"),
        ({"action_floor": (0.0,) * 5}, "floors"),
        ({"keyframe_scale": (1.0,)}, "the keyframe scales"),
        ({"action_low": (0.0,)}, "1 lower and 0 upper limits"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_parts_that_do_not_fit_are_named(change: dict[str, Any], found: str) -> None:
    with pytest.raises(EmbodimentError, match=found):
        dataclasses.replace(UR3, **change)


def test_it_comes_back_from_disk(tmp_path: Path) -> None:
    write_embodiment(tmp_path / "robot.json", UR3)
    assert read_embodiment(tmp_path / "robot.json", UR3.sha256()) == UR3


def test_another_record_than_the_trained_one_is_refused(tmp_path: Path) -> None:
    other: Embodiment = dataclasses.replace(UR3, rate_hz=20.0)
    write_embodiment(tmp_path / "robot.json", other)
    with pytest.raises(CheckpointError, match=f"{other.sha256()[:12]}(.|\\n)*{UR3.sha256()[:12]}"):
        read_embodiment(tmp_path / "robot.json", UR3.sha256())


@pytest.mark.parametrize("content", ["", "[1]", '{"name": "half"}'])
def test_what_is_no_record_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "robot.json").write_text(content)
    with pytest.raises(CheckpointError, match="is no embodiment"):
        read_embodiment(tmp_path / "robot.json")
