"""Demonstrations as flat arrays: one row per frame that can start a chunk.

    chunk      the `chunk_len` absolute actions from this frame on; the last one repeats at the episode's end
    keyframe   commanded pose at the next change of the gripper, relative to the command now: in hindsight a
               demonstration says where the grasp and the release were, without any state of a simulator

Rows can be thinned (`frame_stride`): neighbouring frames at 10 Hz are nearly equal, and features of frozen
networks have to be computed for every row.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.errors import PolicyError
from mu0.policy.normalization import N_POSE
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode

GRIPPER = 4


@dataclass(frozen=True)
class DemonstrationFrames:
    """All rows of all demonstrations; `instruction_id` indexes `instructions`."""

    front: UInt8[np.ndarray, "n h w 3"]
    wrist: UInt8[np.ndarray, "n hw ww 3"]
    state: Float[np.ndarray, "n 9"]
    chunk: Float[np.ndarray, "n step 5"]
    keyframe: Float[np.ndarray, "n 4"]
    keyframe_valid: Bool[np.ndarray, " n"]
    instruction_id: Int[np.ndarray, " n"]
    instructions: list[str]


def chunks_of(action: Float[np.ndarray, "t 5"], chunk_len: int) -> Float[np.ndarray, "t step 5"]:
    """The chunk that starts at each frame; beyond the end the last action repeats."""
    steps = np.arange(len(action))[:, None] + np.arange(chunk_len)
    return action[np.minimum(steps, len(action) - 1)]


def next_keyframes(
    state: Float[np.ndarray, "t 9"], action: Float[np.ndarray, "t 5"]
) -> tuple[Float[np.ndarray, "t 4"], Bool[np.ndarray, " t"]]:
    """Relative commanded pose at the next gripper change, and whether there is one.

    Returns:
        Poses (zero where none follows) and validity.
    """
    pose = np.zeros((len(action), N_POSE), action.dtype)
    valid = np.zeros(len(action), bool)
    changes = np.flatnonzero(np.diff(action[:, GRIPPER]) != 0) + 1
    start = 0
    for change in changes:
        pose[start:change] = action[change, :N_POSE]
        valid[start:change] = True
        start = int(change)
    return np.where(valid[:, None], pose - state[:, :N_POSE], 0).astype(action.dtype), valid


def flatten_demonstrations(
    demonstrations: Iterable[DemonstrationEpisode], chunk_len: int, frame_stride: int = 1
) -> DemonstrationFrames:
    """Stack every `frame_stride`-th frame of every demonstration.

    Raises:
        PolicyError: There is not a single frame.
    """
    parts: dict[str, list[np.ndarray]] = {
        name: []
        for name in ("front", "wrist", "state", "chunk", "keyframe", "keyframe_valid", "instruction_id")
    }
    instructions: dict[str, int] = {}
    for number, demo in enumerate(demonstrations):
        rows = slice(number % frame_stride, None, frame_stride)
        keyframe, valid = next_keyframes(demo.state, demo.action)
        known = instructions.setdefault(demo.instruction, len(instructions))
        parts["front"].append(demo.front[rows])
        parts["wrist"].append(demo.wrist[rows])
        parts["state"].append(demo.state[rows])
        parts["chunk"].append(chunks_of(demo.action, chunk_len)[rows])
        parts["keyframe"].append(keyframe[rows])
        parts["keyframe_valid"].append(valid[rows])
        parts["instruction_id"].append(np.full(len(parts["state"][-1]), known))
    if not sum(map(len, parts["state"])):
        raise PolicyError(
            "The demonstrations hold no frames.",
            expected="at least one recorded episode",
            remedy="give the demonstrations' source more clips in params.yaml and run `mu0 run`.",
        )
    stacked = {name: np.concatenate(rows) for name, rows in parts.items()}
    return DemonstrationFrames(**stacked, instructions=list(instructions))
