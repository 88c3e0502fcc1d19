"""A policy acts on the robot that it was trained for, on its observations, or not at all."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from mu0.policy.embodiment import UR3, EmbodimentError
from mu0.policy.embodiment_fit import pictures_of, require_same, require_sizes
from mu0.records import Observation

INCREMENTS = ("delta",) * 4 + ("absolute",)
IMAGE = np.zeros((8, 8, 3), np.uint8)
OTHER_ORDER = ("y_m", "x_m", "z_m", "yaw_rad", "gripper")


def seen(**changes: Any) -> Observation:
    moment = Observation(IMAGE, "pick", wrist_image=IMAGE, proprioception=np.zeros(9, np.float32))
    return dataclasses.replace(moment, **changes)


def test_the_same_robot_and_a_rounded_rate_are_accepted() -> None:
    require_same(UR3, dataclasses.replace(UR3))
    video = dataclasses.replace(UR3, rate_hz=30.0)
    require_same(video, dataclasses.replace(UR3, rate_hz=29.97))
    with pytest.raises(EmbodimentError, match="rates 30 Hz"):
        require_same(video, dataclasses.replace(UR3, rate_hz=25.0))


def test_both_facts_are_told() -> None:
    with pytest.raises(EmbodimentError) as caught:
        require_same(UR3, dataclasses.replace(UR3, action_names=OTHER_ORDER))
    assert caught.value.found == (
        "The policy was trained on actions 5: x_m, y_m, z_m, yaw_rad, gripper; the robot has "
        "5: y_m, x_m, z_m, yaw_rad, gripper."
    )


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"rate_hz": 20.0}, "rates 10 Hz; the robot has 20 Hz"),
        ({"cameras": UR3.cameras[:1]}, "cameras 2: .*; the robot has 1"),
        ({"grippers": ()}, "grippers among the actions 1: 4; the robot has 0"),
        ({"state_names": tuple(f"s{i}" for i in range(9))}, "states 9"),
        (
            {
                "action_kinds": ("delta",) * 4 + ("absolute",),
                "relative_to": (None,) * 5,
                "keyframe_scale": (),
            },
            "kinds of actions 5: relative.*; the robot has 5: delta",
        ),
    ],
    ids=["rate", "cameras", "grippers", "states", "kinds"],
)
def test_what_differs_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(EmbodimentError, match=what):
        require_same(UR3, dataclasses.replace(UR3, **change))


def test_pictures_come_in_the_order_of_the_cameras() -> None:
    three = dataclasses.replace(UR3, cameras=("front", "wrist", "side"))
    marked = [np.full((8, 8, 3), i, np.uint8) for i in range(3)]
    moment = seen(image=marked[0], wrist_image=marked[1], other_images=(marked[2],))
    assert [int(picture[0, 0, 0]) for picture in pictures_of(three, moment)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"wrist_image": None}, "has 1 pictures; the policy looks through 2 cameras"),
        ({"other_images": (IMAGE,)}, "has 3 pictures"),
        ({"proprioception": None}, "no robot state"),
        ({"proprioception": np.zeros(7)}, "the state"),
        ({"proprioception": np.full(9, np.nan)}, "the state"),
    ],
    ids=["a picture less", "a picture more", "no state", "a shorter state", "NaN"],
)
def test_an_observation_of_another_robot_is_refused(change: dict[str, Any], found: str) -> None:
    with pytest.raises(EmbodimentError, match=found):
        pictures_of(UR3, seen(**change))


def test_a_record_of_another_dataset_is_refused() -> None:
    require_sizes(UR3, 9, 5, UR3.cameras)
    with pytest.raises(EmbodimentError, match=r"9 states, 5 actions(.|\n)*the dataset has 9, 6"):
        require_sizes(UR3, 9, 6, UR3.cameras)
