"""Progress: how near the end an episode is, between -1 and 1, frame by frame.

A task has G subgoals, in order. `T_g` is the first frame in which subgoal g has been reached. A frame t with
T_{g-1} < t <= T_g is on the way to subgoal g.

    overall    2 p - 1 with p = (g - 1 + gamma^(T_g - t)) / G: never falls on a success, jumps up where a
               subgoal is reached, and is 1 from the last one on
    released   2 gamma^(T_g - t) - 1: from near -1 to 1 on the way to each subgoal; 1 after the last one

On the way to a subgoal that is never reached, and after an error, `overall` is 2 h / G - 1 with the h
subgoals that hold in that frame (dropping the thing loses "lifted"), and `released` is -1. Where the arm
stops, both stay as they are, for it neither gains nor loses; a subgoal that comes true by itself lifts
`overall`.

Sources: returns of Cosmos-Policy (NVIDIA, 2026) and the labels of the release of τ0-WM for `released`;
`overall` is ours, for a label that restarts at every subgoal cannot order whole episodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Progress:
    """Both labels of consecutive frames, in [-1, 1]."""

    overall: Float[np.ndarray, " t"]
    released: Float[np.ndarray, " t"]

    def __len__(self) -> int:
        return len(self.overall)

    def part(self, first: int, n_frames: int) -> "Progress":
        """Consecutive frames of these; the last one again where they end."""
        rows = np.minimum(np.arange(first, first + n_frames), len(self) - 1)
        return Progress(self.overall[rows], self.released[rows])

    def until(self, step: int, then: "Progress") -> "Progress":
        """These labels up to and with frame `step`, the others after it; as long as the others."""
        is_after = np.arange(len(then)) > step
        before = self.part(0, len(then))
        return Progress(
            np.where(is_after, then.overall, before.overall),
            np.where(is_after, then.released, before.released),
        )


def completions(held: Int[np.ndarray, " t"], n_subgoals: int) -> tuple[int, ...]:
    """First frames in which 1, 2, ... subgoals hold, for as many as were ever reached."""
    reached = [np.flatnonzero(held >= goal) for goal in range(1, n_subgoals + 1)]
    return tuple(int(frames[0]) for frames in reached if len(frames))


def of_episode(held: Int[np.ndarray, " t"], n_subgoals: int, gamma: float) -> Progress:
    """Labels by what the episode itself reached.

    Args:
        held: Subgoals that hold in each frame, 0 to `n_subgoals`.
        n_subgoals: Of the task.
        gamma: Discount of a step, in (0, 1).
    """
    return towards(completions(held, n_subgoals), held, n_subgoals, gamma)


def towards(completed: Sequence[int], held: Int[np.ndarray, " t"], n_subgoals: int, gamma: float) -> Progress:
    """Labels by what is known to be reached, in frames that may lie before or behind these.

    Args:
        completed: Frames in which the subgoals are reached, in order, for as many as are.
        held: Subgoals that hold in each frame.
        n_subgoals: Of the task.
        gamma: Discount of a step, in (0, 1).
    """
    reached, frames = np.array(completed, dtype=np.int64), np.arange(len(held))
    n_behind = np.searchsorted(reached, frames, side="left")  # subgoals reached before this frame
    is_on_way = n_behind < len(reached)
    next_step = np.append(reached, 0)[n_behind]
    near = np.where(is_on_way, gamma ** np.maximum(next_step - frames, 0.0), 0.0)
    is_done = (n_behind == n_subgoals) & (held[-1] == n_subgoals)  # a thing that rolls a little stays done
    rest = fallen(held, n_subgoals)
    overall = np.where(is_on_way, 2 * (n_behind + near) / n_subgoals - 1, rest.overall)
    released = np.where(is_on_way, 2 * near - 1, rest.released)
    return Progress(np.where(is_done, 1.0, overall), np.where(is_done, 1.0, released))


def fallen(held: Int[np.ndarray, " t"], n_subgoals: int) -> Progress:
    """Labels on the way to nothing: what still holds counts, all of it counts as done."""
    return Progress(2 * held / n_subgoals - 1, np.where(held == n_subgoals, 1.0, -1.0))


def staying(start: Progress, held: Int[np.ndarray, " t"], n_subgoals: int) -> Progress:
    """Labels of an arm that stops; what comes true by itself counts.

    Args:
        start: Labels, the last of which is that of the frame in which it stops.
        held: Subgoals that hold in each frame.
        n_subgoals: Of the task.
    """
    rest = fallen(held, n_subgoals)
    highest = np.maximum.accumulate(rest.overall)
    overall = np.maximum(start.overall[-1], highest)
    return Progress(overall, np.where(held == n_subgoals, 1.0, start.released[-1]))


def after_error(
    demonstrated: Progress,
    error_step: int,
    held: Int[np.ndarray, " t"],
    n_subgoals: int,
    *,
    stays: bool,
) -> Progress:
    """Labels of what left a demonstration at a step: its labels up to that frame, then what is left of them.

    Args:
        demonstrated: Labels of the demonstration, from the same frame on.
        error_step: The first command that differs; the frame before it is still that of the demonstration.
        held: Subgoals that hold in each frame.
        n_subgoals: Of the task.
        stays: The arm stops there.
    """
    start = demonstrated.part(0, error_step + 1)
    then = staying(start, held, n_subgoals) if stays else fallen(held, n_subgoals)
    return demonstrated.until(error_step, then)


def falls(overall: Float[np.ndarray, " t"]) -> int:
    """In how many frames the label is lower than in the frame before."""
    return int((np.diff(overall) < 0).sum())
