"""Putting frames on an even time grid: of each grid time k / rate the nearest frame is taken.

An even recording at the asked rate is left as it is. A faster one loses frames, a slower one repeats some;
whatever the two rates are, the kept rate is the asked one: 25 Hz asked as 10 Hz gives 10 Hz (steps of two
and three frames), not every second frame at 12.5 Hz.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float, Int

from mu0.errors import SourceError

Frame = TypeVar("Frame")

MAX_GAP_S = 600.0
MAX_STEP_BACK_S = 0.5
TIE_S = 1e-6  # of two frames that are equally near the later one is taken, whatever floats make of it


@dataclass(frozen=True)
class Timed(Generic[Frame]):
    """A frame with its number and time [s] in the recording it comes from."""

    number: int
    time_s: float
    frame: Frame


def on_grid(frames: Iterable[Timed[Frame]], rate_hz: float, last_s: float) -> Iterator[Timed[Frame]]:
    """The nearest frame of each grid time after the first frame's, in order.

    Args:
        frames: Frames in order of time; of two that are slightly out of order the later one counts.
        rate_hz: Rate of the grid.
        last_s: How long the last frame is shown.

    Raises:
        SourceError: More than ten minutes lie between two frames, or the time goes back by half a second.
    """
    held: Timed[Frame] | None = None
    start_s = 0.0
    n_out = 0
    for frame in frames:
        if held is None:
            held, start_s = frame, frame.time_s
            continue
        if not -MAX_STEP_BACK_S <= frame.time_s - held.time_s <= MAX_GAP_S:
            raise SourceError(
                f"The time jumps from {held.time_s:.3f} s to {frame.time_s:.3f} s at frame {frame.number}.",
                expected=f"at most {MAX_GAP_S:.0f} s between two frames, and no step back",
                remedy="cut the recording there, or correct its time stamps.",
            )
        while start_s + n_out / rate_hz < (held.time_s + frame.time_s) / 2 - TIE_S:
            yield held
            n_out += 1
        held = frame
    while held is not None and start_s + n_out / rate_hz < held.time_s + last_s / 2 + TIE_S:
        yield held
        n_out += 1


def grid_indices(times_s: Float[np.ndarray, " t"], rate_hz: float | None) -> Int[np.ndarray, " kept"]:
    """Which frames to take for an even rate; all of them where `rate_hz` is None."""
    if rate_hz is None or len(times_s) < 2:
        return np.arange(len(times_s))
    period_s = float(np.median(np.diff(times_s)))
    frames = (Timed(number, float(time_s), None) for number, time_s in enumerate(times_s))
    return np.array([frame.number for frame in on_grid(frames, rate_hz, period_s)], np.int64)


def even_indices(n_frames: int, fps_hz: float, rate_hz: float | None) -> Int[np.ndarray, " kept"]:
    """`grid_indices` of an even recording."""
    return grid_indices(np.arange(n_frames) / fps_hz, rate_hz)


def take(frames: Iterable[Frame], picked: Int[np.ndarray, " picked"]) -> Iterator[Frame]:
    """The frames with these ascending numbers; a number that stands twice is yielded twice."""
    wanted = picked.tolist()
    position = 0
    for number, frame in enumerate(frames):
        while position < len(wanted) and wanted[position] == number:
            yield frame
            position += 1
