"""Demonstrations as flat arrays: one row per frame that can start a chunk.

    chunk      the `chunk_len` absolute actions from this frame on; the last one repeats at the episode's end
    keyframe   commanded pose at the next change of a gripper, relative to the command now: in hindsight a
               demonstration says where the grasp and the release were, without any state of a simulator
    told       where the named thing is, beside the TCP: where the hand will first close; in the hand, while
               it is closed; where it opened last, from then on. And how the hand will be turned when it first
               closes; of what is dragged instead, every time, where the hand closes next and how far it will
               go from there

Rows can be thinned (`frame_stride`): neighbouring frames at 10 Hz are nearly equal, and features of frozen
networks have to be computed for every row. They are decoded once, into files that every training maps.
"""

import hashlib
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.dataset.array_files import RowsWriter, made_once, map_arrays, read_about
from mu0.errors import PolicyError
from mu0.files import sha256_of_tree
from mu0.policy.arms import YAW, Arm, demonstrated_arm
from mu0.policy.embodiment import UR3, Embodiment
from mu0.policy.normalization import PLACE_UNIT_M
from mu0.progress import track
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode, LeRobotDataset

HALF = 0.5
DECODERS = 2
CODE_VERSION = 3
"""Raise when rows of equal demonstrations change, so that older caches are not read."""


@dataclass(frozen=True)
class DemonstrationFrames:
    """All rows of all demonstrations; `instruction_id` indexes `instructions`.

    `wrist` is what the expert's first stem looks at, `others` what its further ones do, camera by camera.
    `told` is None where nobody says where things are; `tells_way` where its last two numbers are a way and no
    turn; `drawn` are the rows that training may see (None: all).
    """

    front: UInt8[np.ndarray, "n h w 3"]
    wrist: UInt8[np.ndarray, "n hw ww 3"] | None
    state: Float[np.ndarray, "n state"]
    chunk: Float[np.ndarray, "n step action"]
    keyframe: Float[np.ndarray, "n pose"]
    keyframe_valid: Bool[np.ndarray, " n"]
    told: Float[np.ndarray, "n 4"] | None
    instruction_id: Int[np.ndarray, " n"]
    instructions: list[str]
    others: tuple[UInt8[np.ndarray, "n ho wo 3"], ...] = ()
    drawn: Int[np.ndarray, " m"] | None = None
    tells_way: bool = False


def chunks_of(
    action: Float[np.ndarray, "t action"], chunk_len: int, embodiment: Embodiment = UR3
) -> Float[np.ndarray, "t step action"]:
    """The chunk that starts at each frame; beyond the end the last target repeats, increments are zero."""
    steps = np.arange(len(action))[:, None] + np.arange(chunk_len)
    chunks = action[np.minimum(steps, len(action) - 1)]
    for dimension in embodiment.deltas:
        chunks[..., dimension][steps >= len(action)] = 0
    return chunks


def next_keyframes(
    state: Float[np.ndarray, "t state"],
    action: Float[np.ndarray, "t action"],
    embodiment: Embodiment = UR3,
) -> tuple[Float[np.ndarray, "t pose"], Bool[np.ndarray, " t"]]:
    """Relative commanded pose at the next change of a gripper, and whether there is one.

    Returns:
        Poses (zero where none follows, without dimensions where nothing can be taken) and validity.
    """
    dimensions = list(embodiment.pose[: embodiment.keyframe_dims])
    pose = np.zeros((len(action), len(dimensions)), action.dtype)
    valid = np.zeros(len(action), bool)
    closed = embodiment.closed(action)
    changes = np.flatnonzero((closed[1:] != closed[:-1]).any(axis=1)) + 1
    start = 0
    for change in changes:
        pose[start:change] = action[change, dimensions]
        valid[start:change] = True
        start = int(change)
    references = list(embodiment.pose_state[: embodiment.keyframe_dims])
    return np.where(valid[:, None], pose - state[:, references], 0).astype(action.dtype), valid


def told_in_hindsight(
    state: Float[np.ndarray, "t state"], action: Float[np.ndarray, "t action"], embodiment: Embodiment = UR3
) -> Float[np.ndarray, "t 4"]:
    """Where the thing that is moved lies, and how it will be grasped, as a demonstration tells in hindsight.

    Until the hand first closes the thing is where that happens, then in the hand, and whenever the hand has
    opened, where it let go. A demonstration whose hand never closes has it where the hand ends.

    Returns:
        X and y beside the measured TCP, base frame [m]; cosine and sine of twice the turn from the commanded
        yaw to that of the first grasp (half a turn of two fingers changes nothing), zeros from there on.
    """
    tcp = state[:, list(embodiment.tcp_m)]
    is_closed = action[:, embodiment.grippers[0]] > HALF
    frame = np.arange(len(state))
    first = int(is_closed.argmax()) if is_closed.any() else len(state) - 1
    # where the hand is while it is closed; its place when it last was, while it is open
    last = np.maximum.accumulate(np.where(is_closed, frame, first))
    is_before = (frame < first)[:, None]
    place = np.where(is_before, tcp[first], tcp[last])
    turns = turn_told(state[first, YAW] - state[:, YAW])
    told: Float[np.ndarray, "t 4"] = np.concatenate(
        [place - tcp, np.where(is_before & is_closed.any(), turns, 0)], axis=1
    )
    return told.astype(state.dtype)


def drags_in_hindsight(
    state: Float[np.ndarray, "t state"], action: Float[np.ndarray, "t action"], embodiment: Embodiment = UR3
) -> Float[np.ndarray, "t 4"]:
    """Where a thing is taken next and how far it is dragged, as a demonstration tells in hindsight.

    Returns:
        X and y of the next closing of the hand beside the measured TCP, base frame [m], zeros while it is
        closed; and the way from there, or from the closed hand, to where it opens, as `way_told`. After the
        last drag: the place where it ended, and no way.
    """
    tcp = state[:, list(embodiment.tcp_m)]
    is_closed = action[:, embodiment.grippers[0]] > HALF
    if not is_closed.any():
        return np.concatenate([tcp[-1] - tcp, np.zeros_like(tcp)], axis=1)
    edges = np.diff(is_closed.astype(int), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0) - 1
    frame = np.arange(len(state))
    drag = np.minimum(np.searchsorted(ends, frame), len(ends) - 1)
    is_over = (frame > ends[-1])[:, None]
    goal = tcp[ends[drag]]
    place = np.where(is_over, goal, np.where(is_closed[:, None], tcp, tcp[starts[drag]]))
    told: Float[np.ndarray, "t 4"] = np.concatenate([place - tcp, way_told(goal - place)], axis=1)
    return told.astype(state.dtype)


def way_told(way_m: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
    """A way along the table [m] as the expert is told it, in the units of places."""
    return way_m / PLACE_UNIT_M


def turn_told(turn_rad: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n 2"]:
    """A turn of two fingers as the expert is told it; zeros would tell of none."""
    return np.stack([np.cos(2 * turn_rad), np.sin(2 * turn_rad)], axis=-1)


def stored_demonstrations(
    root: Path,
    chunk_len: int,
    frame_stride: int,
    cache: Path,
    count: int | None = None,
    *,
    with_failures: bool = False,
) -> tuple[DemonstrationFrames, str]:
    """Every `frame_stride`-th frame of every demonstration, memory-mapped; decoded if the cache lacks it.

    Args:
        root: A LeRobotDataset v3.0.
        chunk_len: Actions per chunk.
        frame_stride: Demonstration k gives its frames k % frame_stride, + frame_stride, ...
        cache: Folder of the cache, such as `.mu0_cache/demonstrations`.
        count: Only the first so many demonstrations; all where it is None.
        with_failures: Take those too that are labelled as failures.

    Returns:
        The rows, and the key of their content.

    Raises:
        SourceError: The dataset is damaged.
        PolicyError: It holds no frames, or is not of one task of our arm.
    """
    dataset = LeRobotDataset.open(root)
    chosen = (range(len(dataset.episodes)) if with_failures else dataset.not_failed())[:count]
    starts = [number % frame_stride for number in range(len(chosen))]
    rows = [
        len(range(start, dataset.episodes[number].length, frame_stride))
        for start, number in zip(starts, chosen, strict=True)
    ]
    if not sum(rows):
        raise PolicyError(
            f"The demonstrations in {root} hold no frames.",
            expected="at least one recorded episode",
            remedy="give the demonstrations' source more clips in params.yaml and run `mu0 run`.",
        )
    arm = demonstrated_arm(dataset)
    described = [CODE_VERSION, sha256_of_tree(root), chunk_len, frame_stride, list(chosen)]
    key = hashlib.sha256(json.dumps(described).encode()).hexdigest()[:24]

    def make(folder: Path) -> None:
        with RowsWriter(folder, sum(rows)) as writer, ThreadPoolExecutor(DECODERS) as pool:
            episodes = pool.map(dataset.load_episode, chosen)  # decoded outside Python's lock
            tracked = track(zip(episodes, starts, strict=True), "demonstrations", total=len(starts))
            instructions = write_demonstrations(writer, tracked, chunk_len, frame_stride, arm)
            writer.note(instructions=instructions, **({"tells_way": True} if arm.drags else {}))

    folder = made_once(cache / key, make)
    return DemonstrationFrames(**map_arrays(folder), **read_about(folder)), key


def write_demonstrations(
    writer: RowsWriter,
    demonstrations: Iterable[tuple[DemonstrationEpisode, int]],
    chunk_len: int,
    frame_stride: int,
    arm: Arm,
) -> list[str]:
    """Append the rows of demonstrations, each with its first frame; the distinct instructions."""
    instructions: dict[str, int] = {}
    embodiment, tell = arm.embodiment, drags_in_hindsight if arm.drags else told_in_hindsight
    for demo, start in demonstrations:
        rows = slice(start, None, frame_stride)
        keyframe, valid = next_keyframes(demo.state, demo.action, embodiment)
        known = instructions.setdefault(demo.instruction, len(instructions))
        writer.append(
            front=demo.front[rows],
            wrist=demo.wrist[rows],
            state=demo.state[rows],
            chunk=chunks_of(demo.action, chunk_len, embodiment)[rows],
            keyframe=keyframe[rows],
            keyframe_valid=valid[rows],
            told=tell(demo.state, demo.action, embodiment)[rows],
            instruction_id=np.full(len(demo.state[rows]), known),
        )
    return list(instructions)
