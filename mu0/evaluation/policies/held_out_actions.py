"""What a policy would have done in recordings that it never saw, beside two who do not look.

    policy       the chunk that it plans from the pictures, state and words of a moment
    hold         the last command goes on; increments are zero
    mean_chunk   the mean chunk of the training rows, from where the robot stands

Windows begin at every `stride`-th row that has a command before it and a whole chunk before the end. For the
open-loop replay the recorded episode is planned through, one chunk behind the other: each recorded command
has one planned beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from mu0.interfaces import AbstractPolicy
from mu0.policy.demonstrations import chunks_of
from mu0.policy.embodiment import Embodiment
from mu0.policy.normalization import absolute_from_command, relative_to_command
from mu0.policy.own_robot.held_out import Segment
from mu0.policy.own_robot.reading import OwnDataset
from mu0.policy.own_robot.training import Prepared
from mu0.progress import track
from mu0.records import Observation
from mu0.sources.lerobot.robot_episodes import camera_frames

METHODS = ("policy", "hold", "mean_chunk")
MAX_WINDOWS = 600


@dataclass(frozen=True)
class Windows:
    """Planned and recorded chunks of all windows, in the dataset's own units.

    Attributes:
        planned: By method.
        recorded: What was commanded.
        episode: The name of each window's episode: windows of one are no independent witnesses.
        replayed: Which windows lie one chunk behind the other, from the first on.
    """

    planned: dict[str, Float[np.ndarray, "n step action"]]
    recorded: Float[np.ndarray, "n step action"]
    episode: np.ndarray
    replayed: Bool[np.ndarray, " n"]


def mean_chunk(prepared: Prepared, chunk_len: int) -> Float[np.ndarray, "step action"]:
    """The mean of all training chunks, targets relative to the state of their row."""
    one, robot = prepared.dataset, prepared.embodiment
    chunks = []
    for segment in prepared.split.train:
        own = slice(segment.first, segment.end)
        state, action = one.episodes[segment.episode].state[own], one.episodes[segment.episode].action[own]
        chunk = chunks_of(action, chunk_len, robot).astype(np.float64)
        chunks.append(relative_to_command(chunk, state.astype(np.float64), robot))
    return np.concatenate(chunks).mean(axis=0)


def training_spread(prepared: Prepared) -> Float[np.ndarray, " action"]:
    """The standard deviation of each command in the training part, at least the embodiment's floor."""
    parts = [
        prepared.dataset.episodes[one.episode].action[one.first : one.end] for one in prepared.split.train
    ]
    spread = np.concatenate(parts).astype(np.float64).std(axis=0)
    return np.maximum(spread, prepared.embodiment.action_floor)


def plan_held_out(policy: AbstractPolicy, prepared: Prepared, chunk_len: int, seed: int) -> Windows:
    """Plan in every window of the held-out part, from pictures as they are in the dataset.

    Args:
        policy: Of the embodiment; its noise follows from `seed`, anew in each episode.
        prepared: What is held out.
        chunk_len: Of the policy.
        seed: Of its noise.

    Raises:
        PolicyError: The policy refuses.
        SourceError: The dataset changed since it was read.
    """
    segments = [one for one in prepared.split.held_out if len(one) > chunk_len]
    stride = max(1, sum(len(one) - chunk_len for one in segments) // MAX_WINDOWS)
    typical, robot = mean_chunk(prepared, chunk_len), prepared.embodiment
    parts = []
    for segment in track(segments, "held-out episodes"):
        policy.reset(seed)
        whole = prepared.dataset.episodes[segment.episode]
        state, action = whole.state.astype(np.float64), whole.action.astype(np.float64)
        starts = _starts(segment, chunk_len, stride)
        seen = _observations(prepared.dataset, segment, set(starts))
        planned = [policy.predict_action_chunk(observation).actions for observation in seen]
        rows = np.array(starts)
        recorded = action[rows[:, None] + np.arange(chunk_len)]
        by_method = {
            "policy": np.stack(planned).astype(np.float64),
            "hold": _held(action[rows - 1], chunk_len, robot),
            "mean_chunk": absolute_from_command(np.repeat(typical[None], len(rows), 0), state[rows], robot),
        }
        replayed = (rows - (segment.first + 1)) % chunk_len == 0
        parts.append(Windows(by_method, recorded, np.full(len(rows), whole.episode.name), replayed))
    return Windows(
        {name: np.concatenate([part.planned[name] for part in parts]) for name in METHODS},
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("recorded", "episode", "replayed")
        ),
    )


def _starts(segment: Segment, chunk_len: int, stride: int) -> list[int]:
    """First rows of windows: every `stride`-th, and those that replay the episode chunk behind chunk."""
    first, end = segment.first + 1, segment.end - chunk_len + 1
    return sorted({*range(first, end, stride), *range(first, end, chunk_len)})


def _observations(dataset: OwnDataset, segment: Segment, wanted: set[int]) -> Iterator[Observation]:
    """What a policy sees at the wanted rows of an episode, in their order."""
    one = dataset.episodes[segment.episode]
    views = zip(
        *(camera_frames(dataset.layout, one.episode, camera) for camera in dataset.cameras), strict=True
    )
    for row, (front, *others) in enumerate(views):
        if row in wanted:
            observation = Observation(front, one.instruction, proprioception=one.state[row])
            wrist = others[0] if others else None
            yield replace(observation, wrist_image=wrist, other_images=tuple(others[1:]))


def _held(
    command: Float[np.ndarray, "n action"], chunk_len: int, robot: Embodiment
) -> Float[np.ndarray, "n step action"]:
    held = np.repeat(command[:, None], chunk_len, axis=1)
    held[..., list(robot.deltas)] = 0
    return held
