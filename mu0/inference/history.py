"""Where keypoints were before: a file of past points, and the memory that a stream carries along.

A file is an .npz or .json with `history_uvz` (keypoints x past steps x 3, absolute, oldest first, NaN or null
where unknown) and, if it also says where the keypoints are now, `anchor_uvz` (keypoints x 3). A past that is
shorter than the model's is padded with unknown steps. The model reads `history_group` steps as one token and
looks at a token only if all its steps are known (presets read 8 of 8: a shorter past is not looked at).
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mu0.errors import PredictionError
from mu0.inference.limits import check_coordinates
from mu0.text_files import load_json

HISTORY, ANCHOR = "history_uvz", "anchor_uvz"


@dataclass(frozen=True)
class Past:
    """What a history file says."""

    history_uvz: Float[np.ndarray, "q past 3"]
    anchor_uvz: Float[np.ndarray, "q 3"] | None


def read_past(path: Path) -> Past:
    """Read a history file.

    Raises:
        PredictionError: It is missing, of another kind, its arrays have other shapes, or a number is huge.
    """
    content = _content(path)
    if HISTORY not in content:
        raise _unusable(path, f"holds {', '.join(sorted(content)) or 'nothing'}")
    try:
        history = np.asarray(content[HISTORY], dtype=np.float64)
        anchor = np.asarray(content[ANCHOR], dtype=np.float64) if ANCHOR in content else None
    except (TypeError, ValueError):
        raise _unusable(path, "holds lists that are no arrays of numbers") from None
    if history.ndim != 3 or history.shape[2] != 3:
        raise _unusable(path, f"holds {HISTORY} of shape {history.shape}")
    if anchor is not None and anchor.shape != (len(history), 3):
        raise _unusable(path, f"holds {ANCHOR} of shape {anchor.shape} beside {len(history)} histories")
    for name, values in ((HISTORY, history), (ANCHOR, anchor)):
        if values is not None:
            check_coordinates(values, f"{name} of {path.name}")
    return Past(history, anchor)


def _content(path: Path) -> dict[str, Any]:
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as stored:
                return dict(stored)
        loaded = load_json(path)
    except (OSError, ValueError, zipfile.BadZipFile):
        raise _unusable(path, "cannot be read") from None
    if not isinstance(loaded, dict):
        raise _unusable(path, "is not a JSON object")
    return loaded


def _unusable(path: Path, found: str) -> PredictionError:
    return PredictionError(
        f"{path} {found}.",
        expected=f"an .npz or .json with {HISTORY} (keypoints, steps, 3) and perhaps {ANCHOR} (keypoints, 3)",
        remedy="write absolute u, v, z, oldest first; docs/predicting.md shows how.",
    )


def padded(history_uvz: Float[np.ndarray, "q past 3"], length: int) -> Float[np.ndarray, "q length 3"]:
    """The last `length` steps, with unknown ones before a past that is too short."""
    recent = history_uvz[:, max(0, history_uvz.shape[1] - length) :]
    missing = length - recent.shape[1]
    return np.pad(recent, ((0, 0), (missing, 0), (0, 0)), constant_values=np.nan)


def count_hidden(history_uvz: Float[np.ndarray, "q past 3"] | None, group: int) -> int:
    """How many keypoints have a past of which no whole group of `group` steps, counted from now, is known."""
    if history_uvz is None:
        return 0
    known = np.isfinite(history_uvz).all(-1)
    whole = known[:, known.shape[1] % group :].reshape(len(known), -1, group).all(-1)
    return int((~whole.any(-1)).sum())


class PointHistory:
    """The last positions of a fixed set of keypoints; the caller of a stream owns it and may go on with it.

    Args:
        length: Steps to remember: `history_len` of the model.
        past_uvz: Positions before the first frame, if some are known.
    """

    def __init__(self, length: int, past_uvz: Float[np.ndarray, "q past 3"] | None = None) -> None:
        self._length = length
        self._past = None if past_uvz is None else padded(past_uvz, length)

    def before(self, n_points: int) -> Float[np.ndarray, "q past 3"]:
        """The past of every keypoint, oldest first; NaN where unknown.

        Raises:
            PredictionError: The number of keypoints is another one than before.
        """
        if self._past is None:
            self._past = np.full((n_points, self._length, 3), np.nan)
        if len(self._past) != n_points:
            raise PredictionError(
                f"There are {n_points} keypoints, but a past of {len(self._past)}.",
                expected="the same keypoints in the same order in every frame",
                remedy="mark a keypoint that is not seen with NaN instead of leaving it out.",
            )
        return self._past

    def push(self, now_uvz: Float[np.ndarray, "q 3"]) -> None:
        """What was now becomes the past."""
        known = np.where(np.isfinite(now_uvz).all(1, keepdims=True), now_uvz, np.nan)
        self._past = np.concatenate([self.before(len(now_uvz))[:, 1:], known[:, None]], axis=1)
