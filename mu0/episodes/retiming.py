"""Clock time and identity of every re-timed step, which the official format throws away.

Step j of a trace lies `j * path_step` along the common path of its group; *when* that was is the fractional
frame kept here. All rows of one group at one anchor share it, so rows are stored as runs: run r covers rows
`run_offsets[r]:run_offsets[r + 1]` of the sample arrays. `track_ids` names the track behind every row, so a
point can be followed from anchor to anchor.

On disk the numbers are 1/1000 frames, delta-coded along each row, zlib-packed, base64: a few kilobytes. The
tables of a long episode are files of their own instead, which are mapped into memory (`StoredRetiming`).
"""

import base64
import zlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32, Int64

from mu0.files import inside

TICKS_PER_FRAME = 1000
ABSENT = -1
ZLIB_LEVEL = 6


@dataclass(frozen=True)
class Retiming:
    """The re-timing map of an episode.

    Attributes:
        path_step: Path length between two steps (1 = image width, image height or metre).
        future_frame: Fractional kept-frame number of each step of `traj`; NaN where not valid.
        history_frame: The same for `traj_history`.
        run_offsets: Rows that share a line of the two tables.
        track_ids: Track behind each row, unique over the episode.
    """

    path_step: float
    future_frame: Float64[np.ndarray, "r l"]
    history_frame: Float64[np.ndarray, "r h"]
    run_offsets: Int64[np.ndarray, " r+1"]
    track_ids: Int32[np.ndarray, " n"]

    def run_of_row(self, row: int) -> int:
        """The line of the tables that belongs to a row of the sample arrays."""
        return int(np.searchsorted(self.run_offsets, row, side="right")) - 1

    def path_length(self) -> Float64[np.ndarray, " l"]:
        """Cumulative path length of every future step."""
        return self.path_step * np.arange(self.future_frame.shape[1], dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """A compact JSON-ready form."""
        return {
            "path_step": self.path_step,
            "ticks_per_frame": TICKS_PER_FRAME,
            "future_frame": _pack(_ticks(self.future_frame)),
            "history_frame": _pack(_ticks(self.history_frame)),
            "run_offsets": _pack(self.run_offsets),
            "track_ids": _pack(self.track_ids),
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Retiming":
        """Inverse of `to_json`."""
        return cls(
            path_step=content["path_step"],
            future_frame=_frames(_unpack(content["future_frame"])),
            history_frame=_frames(_unpack(content["history_frame"])),
            run_offsets=_unpack(content["run_offsets"]),
            track_ids=_unpack(content["track_ids"]).astype(np.int32),
        )


TABLES = ("future_frame", "history_frame", "run_offsets", "track_ids")


@dataclass(frozen=True)
class StoredRetiming(Retiming):
    """A re-timing map whose tables are .npy files below the episode's folder."""

    folder: str = ""

    def to_json(self) -> dict[str, Any]:
        """Only the place of the tables."""
        return {"path_step": self.path_step, "folder": self.folder}

    def loaded(self) -> Retiming:
        """The same in memory."""
        own = {item.name for item in fields(Retiming)}
        return Retiming(**{name: getattr(self, name) for name in own})

    @classmethod
    def open(cls, episode: Path, folder: str, path_step: float) -> "StoredRetiming":
        """Map the tables in `episode / folder` into memory.

        Raises:
            OSError: A table is missing.
            ValueError: A table is damaged.
        """
        paths = {name: episode / folder / f"{name}.npy" for name in TABLES}
        tables = {name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in paths.items()}
        return cls(path_step=path_step, folder=folder, **tables)


def read_retiming(episode: Path, content: dict[str, Any]) -> Retiming:
    """The re-timing map that `to_json` wrote as `content`; raises as `StoredRetiming.open`."""
    if "folder" in content:
        return StoredRetiming.open(episode, inside(episode, content["folder"]).name, content["path_step"])
    return Retiming.from_json(content)


def _ticks(frame: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(frame), ABSENT, np.rint(np.nan_to_num(frame) * TICKS_PER_FRAME)).astype(np.int64)


def _frames(ticks: np.ndarray) -> np.ndarray:
    return np.where(ticks == ABSENT, np.nan, ticks / TICKS_PER_FRAME)


def _pack(values: np.ndarray) -> dict[str, Any]:
    steps = np.diff(values.astype("<i8"), axis=-1, prepend=0).astype("<i4")
    packed = base64.b64encode(zlib.compress(steps.tobytes(), ZLIB_LEVEL)).decode()
    return {"shape": list(values.shape), "delta_i4_zlib_base64": packed}


def _unpack(content: dict[str, Any]) -> np.ndarray:
    steps = np.frombuffer(zlib.decompress(base64.b64decode(content["delta_i4_zlib_base64"])), "<i4")
    return np.cumsum(steps.reshape(content["shape"]).astype(np.int64), axis=-1)
