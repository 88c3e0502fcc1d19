"""What a LeRobotDataset of our UR3 holds: pictures, states and actions, and how the episode ended.

    next.done      true in an episode's last row: after this action it was over
    next.success   true in the last row of a demonstration that reached its goal

Both are named and filled as LeRobot does. Meaning of states and actions: `mu0.sources.clip.on_disk`.

    observation.images.front_depth       depth of the front camera, coded as `mu0.sources.lerobot.depth` says
    observation.intrinsics.front         its camera matrix [px], row by row
    observation.camera_from_base.front   its pose, row by row
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool

from mu0.sources.lerobot.dataset_v3 import ACTION, FRONT, STATE, WRIST, DemonstrationEpisode
from mu0.sources.lerobot.whole_episode import Contents, WholeEpisode

STATE_NAMES = [
    "commanded_x_m", "commanded_y_m", "commanded_z_m", "commanded_yaw_rad", "commanded_gripper",
    "gripper_opening", "x_m", "y_m", "z_m",
]  # fmt: skip
ACTION_NAMES = ["x_m", "y_m", "z_m", "yaw_rad", "gripper"]
DONE, SUCCESS = "next.done", "next.success"
DEPTH = "observation.images.front_depth"
INTRINSICS, POSE = "observation.intrinsics.front", "observation.camera_from_base.front"
CAMERA_COLUMNS = {
    name: {
        "dtype": "float32",
        "shape": [side * side],
        "names": [f"row{row}_column{column}" for row in range(side) for column in range(side)],
    }
    for name, side in ((INTRINSICS, 3), (POSE, 4))
}
OUTCOME_COLUMNS = {name: {"dtype": "bool", "shape": [1], "names": None} for name in (DONE, SUCCESS)}


def robot_columns(state_names: Sequence[str], action_names: Sequence[str]) -> dict[str, Any]:
    """States and actions by name."""
    return {
        name: {"dtype": "float32", "shape": [len(names)], "names": list(names)}
        for name, names in ((STATE, state_names), (ACTION, action_names))
    }


def ur3_contents(
    fps_hz: float,
    robot_type: str,
    more_columns: dict[str, Any] | None = None,
    more_cameras: dict[str, Any] | None = None,
) -> Contents:
    """Front and wrist camera, states, actions, and more; `more_columns` may name other states and actions."""
    cameras: dict[str, Any] = {FRONT: {}, WRIST: {}}
    return Contents(
        fps_hz,
        robot_type,
        robot_columns(STATE_NAMES, ACTION_NAMES) | (more_columns or {}),
        cameras | (more_cameras or {}),
    )


def ur3_episode(demo: DemonstrationEpisode) -> WholeEpisode:
    """A demonstration as the writers take it."""
    return WholeEpisode(
        columns={STATE: demo.state, ACTION: demo.action},
        videos={FRONT: demo.front, WRIST: demo.wrist},
        tasks=(demo.instruction,),
    )


def outcome_columns(length: int, *, success: bool) -> dict[str, Bool[np.ndarray, " t"]]:
    """`next.done` and `next.success` of an episode."""
    is_last = np.arange(length) == length - 1
    return {DONE: is_last, SUCCESS: is_last & success}
