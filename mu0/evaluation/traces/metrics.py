"""How far predicted traces are from the truth: ADE, FDE, DTW and discrete Fréchet.

All four are computed for many trajectories at once and for every horizon from one pass. Valid steps are first
moved to the front (invalid ones do not exist for any metric), then

    ADE      mean distance over the valid steps
    FDE      distance at the last valid step
    DTW      cheapest monotone alignment, divided by the number of valid steps
    Fréchet  smallest leash for walking both traces, steps only (no division)

The two alignment metrics share their dynamic program, which runs along anti-diagonals with all trajectories
of a chunk in the innermost axis. The cell (k, k) of the table is the answer for the first k + 1 steps, so
that shorter horizons cost nothing.

Conventions
    axes     n trajectories, t steps, d coordinates of any unit: the error has that unit
    horizon  number of steps counted from the first; invalid steps inside it count as absent
    NaN      a trajectory without a valid step inside the horizon has no error

Sources
    Definitions as in reference/mu0.md §7 (the official evaluation), which also fixes DTW / T and the moves
    (i-1, j), (i, j-1), (i-1, j-1); discrete Fréchet: Eiter and Mannila, 1994.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

CHUNK = 512  # trajectories per pass: the rolling diagonals of 32 steps then stay in the cache
METRICS = ("ade", "fde", "dtw", "frechet")


@dataclass(frozen=True)
class TraceErrors:
    """One error per horizon and trajectory, in the unit of the coordinates."""

    ade: Float[np.ndarray, "horizon n"]
    fde: Float[np.ndarray, "horizon n"]
    dtw: Float[np.ndarray, "horizon n"]
    frechet: Float[np.ndarray, "horizon n"]


def trace_errors(
    predicted: Float[np.ndarray, "n t d"],
    truth: Float[np.ndarray, "n t d"],
    valid: Bool[np.ndarray, "n t"],
    horizons: Sequence[int],
) -> TraceErrors:
    """Errors of `predicted` against `truth` within the first `horizon` steps, for every horizon.

    Args:
        predicted: Any coordinates; values at invalid steps do not matter, they may be NaN.
        truth: The same coordinates.
        valid: True where the truth is known.
        horizons: Numbers of steps; more than t counts as t.

    Returns:
        Errors per horizon and trajectory; NaN where a trajectory has no valid step.
    """
    order = np.argsort(~valid, axis=1, kind="stable")
    lead = np.take_along_axis(valid, order, axis=1)[..., None]
    a = np.where(lead, np.take_along_axis(predicted, order[..., None], axis=1), 0.0).astype(np.float64)
    b = np.where(lead, np.take_along_axis(truth, order[..., None], axis=1), 0.0).astype(np.float64)
    distance = np.sqrt(((a - b) ** 2).sum(-1))
    mean = np.cumsum(distance, axis=1) / np.arange(1, distance.shape[1] + 1)
    dtw, frechet = _alignments(a, b, valid.sum(1))
    counts = np.stack([valid[:, :horizon].sum(1) for horizon in horizons])
    per_step = np.maximum(counts, 1)
    return TraceErrors(
        ade=_at(mean, counts),
        fde=_at(distance, counts),
        dtw=_at(dtw, counts) / per_step,
        frechet=_at(frechet, counts),
    )


def best_of(errors: Float[np.ndarray, "sample horizon n"]) -> Float[np.ndarray, "horizon n"]:
    """The smallest error over the samples, for each keypoint on its own (the official best-of-S)."""
    return errors.min(axis=0)


def moving_points(
    truth_uvz: Float[np.ndarray, "n t 3"],
    anchor_uvz: Float[np.ndarray, "n 3"],
    valid: Bool[np.ndarray, "n t"],
    threshold_uv: float,
) -> Bool[np.ndarray, " n"]:
    """True for points whose largest image displacement from the anchor exceeds `threshold_uv`."""
    travelled = np.linalg.norm(truth_uvz[..., :2] - anchor_uvz[:, None, :2], axis=-1)
    return np.where(valid, travelled, 0.0).max(axis=1, initial=0.0) > threshold_uv


def _at(
    per_prefix: Float[np.ndarray, "n t"], counts: Int[np.ndarray, "horizon n"]
) -> Float[np.ndarray, "horizon n"]:
    """The value of the prefix that ends at the last valid step."""
    values = np.take_along_axis(per_prefix, np.maximum(counts - 1, 0).T, axis=1).T
    return np.where(counts > 0, values, np.nan)


def _alignments(
    a: Float[np.ndarray, "n t d"], b: Float[np.ndarray, "n t d"], counts: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, "n t"], Float[np.ndarray, "n t"]]:
    """Total DTW cost and Fréchet distance of every pair of prefixes of equal length, up to `counts` steps."""
    n, n_steps = a.shape[:2]
    dtw, frechet = np.zeros((2, n_steps, n))
    by_length = np.argsort(counts, kind="stable")  # short traces together: their tables are small
    for first in range(0, n, CHUNK):
        part = by_length[first : first + CHUNK]
        longest = int(counts[part[-1]])
        left = np.ascontiguousarray(a[part, :longest].transpose(2, 1, 0))
        right = np.ascontiguousarray(b[part, :longest].transpose(2, 1, 0))
        dtw[:longest, part], frechet[:longest, part] = _align_chunk(left, right)
    return dtw.T, frechet.T


def _align_chunk(
    a: Float[np.ndarray, "d t n"], b: Float[np.ndarray, "d t n"]
) -> tuple[Float[np.ndarray, "t n"], Float[np.ndarray, "t n"]]:
    """DTW and Fréchet by rolling diagonals: row i + 1 is the cell (i, s - i), row 0 the border.

    Each table holds both programs, the sum at 0 and the leash at 1, since they take the same steps.
    """
    n_steps, n = a.shape[1:]
    answers = np.empty((2, n_steps, n))
    current, previous, before = (np.full((2, n_steps + 1, n), np.inf) for _ in range(3))
    buffer = np.empty((len(a) + 1, n_steps, n))
    for s in range(2 * n_steps - 1):
        low, high = max(0, s - n_steps + 1), min(s, n_steps - 1) + 1
        cost = _diagonal_costs(a, b, s, slice(low, high), buffer)
        current, previous, before = before, current, previous
        here, above = slice(low + 1, high + 1), slice(low, high)
        best = np.minimum(previous[:, here], previous[:, above], out=current[:, here])
        np.minimum(best, before[:, above], out=best)
        if s == 0:
            best[:] = 0.0
        best[0] += cost
        np.maximum(best[1], cost, out=best[1])
        # cells just outside the diagonal must not hold values of three diagonals ago
        current[:, low] = np.inf
        current[:, high + 1 : high + 2] = np.inf
        if s % 2 == 0:
            answers[:, s // 2] = current[:, s // 2 + 1]
    return answers[0], answers[1]


def _diagonal_costs(
    a: Float[np.ndarray, "d t n"],
    b: Float[np.ndarray, "d t n"],
    s: int,
    rows: slice,
    buffer: Float[np.ndarray, "d+1 t n"],
) -> Float[np.ndarray, "cells n"]:
    """Distances of step i of `a` to step s - i of `b`, for the cells of one diagonal only."""
    partners = slice(s - rows.stop + 1, s - rows.start + 1)
    difference, total = buffer[:-1, rows], buffer[-1, rows]
    np.subtract(a[:, rows], b[:, partners][:, ::-1], out=difference)
    np.square(difference, out=difference)
    np.add.reduce(difference, axis=0, out=total)
    return np.sqrt(total, out=total)
