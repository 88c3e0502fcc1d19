"""One face for every layout: frames one by one, and the rows of each anchor frame as the official types.

Nothing is held for longer than one frame, so converting a long episode needs little memory. What a layout
never had is listed in `absent` (the words of `mu0.episodes.sidecar.ABSENT`) and filled with values that
claim nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float16, Float32, Int32, UInt8

from mu0.episodes.layouts.kinds import Layout
from mu0.episodes.sidecar import Sidecar

ROW_NAMES = (
    "keypoints",
    "cluster_ids",
    "is_moving",
    "visibs",
    "traj",
    "traj_history",
    "valid_steps",
    "valid_steps_history",
    "raw_traj",
    "raw_traj_history",
    "raw_valid_steps",
    "raw_valid_steps_history",
)


@dataclass(frozen=True)
class FrameRows:
    """Rows of one anchor frame, in the official types (`mu0.episodes.arrays.Samples`).

    `raw_xy` is TraceForge's `traj_2d`, pixels of every frame of the window where they are known in full
    precision; None: take them from `raw_traj`.
    """

    keypoints: Float16[np.ndarray, "n 2"]
    cluster_ids: Int32[np.ndarray, " n"]
    is_moving: Bool[np.ndarray, " n"]
    visibs: Float16[np.ndarray, " n"]
    traj: Float16[np.ndarray, "n l 3"]
    traj_history: Float16[np.ndarray, "n h 3"]
    valid_steps: Bool[np.ndarray, "n l"]
    valid_steps_history: Bool[np.ndarray, "n h"]
    raw_traj: Float16[np.ndarray, "n l 3"]
    raw_traj_history: Float16[np.ndarray, "n h 3"]
    raw_valid_steps: Bool[np.ndarray, "n l"]
    raw_valid_steps_history: Bool[np.ndarray, "n h"]
    raw_xy: Float32[np.ndarray, "n s 2"] | None = None


@dataclass(frozen=True)
class Cameras:
    """One camera per frame."""

    intrinsics: Float32[np.ndarray, "t 3 3"]
    camera_from_world: Float32[np.ndarray, "t 4 4"]


class AbstractEpisodeView(ABC):
    """An episode of any layout, opened for reading.

    Attributes:
        folder: Where it lies.
        layout: How it lies there.
        frame_numbers: Numbers in the names of the files; 0, 1, ... where names have none.
        size_px: Image height and width.
        anchors: Index (not number) of every frame that owns rows, ascending.
        has_depth: Whether every frame has a depth image.
        absent: What this episode never had.
        notes: What a reader had to decide, in words.
    """

    folder: Path
    layout: Layout
    frame_numbers: tuple[int, ...]
    size_px: tuple[int, int]
    anchors: tuple[int, ...]
    has_depth: bool
    absent: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self.frame_numbers)

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of rows over all anchors."""

    @abstractmethod
    def image(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """One RGB frame."""

    @abstractmethod
    def depth_m(self, index: int) -> Float[np.ndarray, "h w"]:
        """One depth image [m]; only where `has_depth`."""

    @abstractmethod
    def rows(self, index: int) -> FrameRows:
        """The rows of an anchor frame."""

    @abstractmethod
    def cameras(self) -> Cameras:
        """All cameras; an assumed lens and a still camera where "cameras" is absent."""

    @abstractmethod
    def acceleration(self) -> Float32[np.ndarray, " t"]:
        """Mean acceleration of moving points; zeros where "acceleration" is absent."""

    @abstractmethod
    def sidecar(self) -> Sidecar:
        """Content of mu0.json, completed by what this layout says of itself."""

    @abstractmethod
    def instructions(self) -> tuple[str, ...]:
        """Instructions, the best one first; empty if there are none."""

    def iter_rows(self) -> Iterator[tuple[int, FrameRows]]:
        """Anchors with their rows."""
        for index in self.anchors:
            yield index, self.rows(index)
