"""Speed retargeting: from equal steps of time to equal steps of path length.

Demonstrations differ in speed; where things go matters more than how fast. A group of traces gets one common
path length (the mean of its fastest movers in every frame), which is cut into equal steps; all traces of the
group are sampled at the same moments, so they stay synchronous. Pauses vanish, the rest shorter than one step
is dropped.

Conventions
    trace   (x px, y px, z m); x and y count as shares of the image, z as metres
    unit    path length 1 is one image width, one image height or one metre
    frame   fractional index on the time axis of the input

Source
    reference/traceextract.md §2.13, with its reference values A to D in the tests.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from mu0.errors import ExtractionError

STEP = 0.05
TOP_FRACTION = 0.02
SEGMENT_GUARD = 1e-12


@dataclass(frozen=True)
class Retargeted:
    """Traces at equal steps of path length.

    Attributes:
        trace: Only the valid steps; the caller pads.
        frame: Fractional input frame of each step.
    """

    trace: Float64[np.ndarray, "n m d"]
    frame: Float64[np.ndarray, " m"]

    @property
    def n_valid(self) -> int:
        """Number of steps."""
        return len(self.frame)


def lengths(path: Float64[np.ndarray, "n t d"]) -> Float64[np.ndarray, "n t-1"]:
    """Length of every segment of every trace."""
    return np.sqrt((np.diff(path, axis=1) ** 2).sum(-1))


def common_advance(length: Float64[np.ndarray, "n s"], top_fraction: float) -> Float64[np.ndarray, " s"]:
    """Mean length of the longest `top_fraction` of the segments, at least one, between each two frames."""
    n_top = max(1, math.ceil(top_fraction * len(length)))
    if n_top == 1:
        return length.max(0)
    return np.sort(length, axis=0)[len(length) - n_top :].mean(0)


def equal_steps(
    advance: Float64[np.ndarray, " s"], n_steps: int, step: float
) -> tuple[Int[np.ndarray, " m"], Float64[np.ndarray, " m"]]:
    """Where equal steps of a path lie: the segment, and the share of it that is walked.

    Args:
        advance: Length of every segment; none if the path is a single frame.
        n_steps: At most this many steps are returned.
        step: Path length between two steps.

    Raises:
        ExtractionError: A length is not finite.
    """
    if len(advance) == 0:
        return np.zeros(1, int), np.zeros(1)
    travelled = np.concatenate([[0.0], np.cumsum(advance)])
    total = float(travelled[-1])
    if not math.isfinite(total):
        raise ExtractionError(
            "A trace holds a position that is not finite.",
            expected="finite pixels and depths over the whole life of a track",
            remedy="drop such tracks before re-timing (mu0.traceextract.samples.anchor_views does).",
        )
    n_valid = min(math.floor(total / step) + 1, n_steps)
    goal = np.minimum(step * np.arange(n_valid), total)
    segment = np.minimum(np.searchsorted(travelled, goal, side="right") - 1, len(advance) - 1)
    return segment, (goal - travelled[segment]) / np.maximum(advance[segment], SEGMENT_GUARD)
