"""Which rows of an anchor frame may be asked about, and their windows in memory.

A row may be drawn when its point moves, is valid, finite and inside the image at the anchor, and is
followed for at least as many future steps as the curve has control points. The official loader drops its
filters where they would empty a frame, so that broken anchors can slip in; here such a frame is not used at
all.

Source
    reference/mu0.md §1.3 and §1.4.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float16, Int

from mu0.episodes.arrays import Samples
from mu0.errors import DatasetError


@dataclass(frozen=True)
class WindowShape:
    """How much past and future a sample has, and how much of the future must be known."""

    history_len: int = 8
    future_len: int = 32
    min_future_steps: int = 10


@dataclass(frozen=True)
class Windows:
    """Windows of rows in pixels and metres as stored; entry 0 of the time axis is the anchor."""

    future: Float16[np.ndarray, "n future 3"]
    future_valid: Bool[np.ndarray, "n future"]
    history: Float16[np.ndarray, "n past 3"]
    history_valid: Bool[np.ndarray, "n past"]
    cluster_ids: Int[np.ndarray, " n"]


def check_columns(samples: Samples, shape: WindowShape, episode_id: str) -> None:
    """Make sure that the stored traces are long enough for the windows.

    Raises:
        DatasetError: They are not.
    """
    stored = samples.traj.shape[1], samples.traj_history.shape[1]
    needed = shape.future_len + 1, shape.history_len + 1
    if stored[0] < needed[0] or stored[1] < needed[1]:
        raise DatasetError(
            f"Episode {episode_id} stores {stored[0]} future and {stored[1]} past steps (anchor included).",
            expected=f"at least {needed[0]} and {needed[1]}",
            remedy="lower `trace_dataset.future_len` or `history_len` in params.yaml, or extract again.",
        )


def eligible_rows(samples: Samples, size_px: tuple[int, int], shape: WindowShape) -> Bool[np.ndarray, " n"]:
    """True for the rows of an episode that may be drawn; `size_px` is (height, width) of its images."""
    height, width = size_px
    anchor = np.asarray(samples.traj_history[:, 0], dtype=np.float32)
    limit = np.array([width, height], dtype=np.float32)
    with np.errstate(invalid="ignore"):
        inside = ((anchor[:, :2] >= 0) & (anchor[:, :2] <= limit)).all(-1) & np.isfinite(anchor).all(-1)
    future = slice(1, shape.future_len + 1)
    known = samples.valid_steps[:, future] & np.isfinite(samples.traj[:, future]).all(-1)
    return (
        np.asarray(samples.is_moving)
        & np.asarray(samples.valid_steps_history[:, 0])
        & inside
        & (known.sum(1) >= shape.min_future_steps)
    )


def read_windows(samples: Samples, rows: Int[np.ndarray, " n"], shape: WindowShape) -> Windows:
    """Copy the windows of `rows` (ascending); unusable steps become zero and invalid, so nothing is NaN."""
    future, future_valid = _cut(samples.traj, samples.valid_steps, rows, shape.future_len + 1)
    history, history_valid = _cut(
        samples.traj_history, samples.valid_steps_history, rows, shape.history_len + 1
    )
    return Windows(future, future_valid, history, history_valid, np.asarray(samples.cluster_ids[rows]))


def _cut(
    trace: Float16[np.ndarray, "n l 3"],
    valid: Bool[np.ndarray, "n l"],
    rows: Int[np.ndarray, " k"],
    n_steps: int,
) -> tuple[Float16[np.ndarray, "k s 3"], Bool[np.ndarray, "k s"]]:
    kept = np.asarray(trace[:, :n_steps])[rows]
    usable = np.asarray(valid[:, :n_steps])[rows] & np.isfinite(kept).all(-1)
    kept[~usable] = 0
    return kept, usable
