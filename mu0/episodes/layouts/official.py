"""The official layout through the common view, and written from it frame by frame."""

from contextlib import ExitStack
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Float32, UInt8

from mu0.episodes.layouts.instructions import stored_instructions
from mu0.episodes.layouts.view import ROW_NAMES, AbstractEpisodeView, Cameras, FrameRows
from mu0.episodes.movement import movement_statistics
from mu0.episodes.read import read_episode
from mu0.episodes.sidecar import SIDECAR_NAME, Sidecar, sidecar_text
from mu0.episodes.stream import NpyWriter
from mu0.episodes.write import write_texts


@final
class OfficialView(AbstractEpisodeView):
    """An official episode; arrays stay memory maps."""

    def __init__(self, folder: Path) -> None:
        """Open the arrays.

        Raises:
            EpisodeError: A file is missing or damaged.
        """
        self._episode = read_episode(folder)
        self.folder, self.layout = folder, "official"
        self.frame_numbers = tuple(range(self._episode.n_frames))
        self.size_px = self._episode.size_px
        samples = self._episode.samples
        self.anchors = () if samples is None else tuple(int(frame) for frame in samples.frame_indices)
        self.has_depth = self._episode.depth is not None
        self.absent = self._episode.sidecar.absent
        self.notes = ()

    @property
    def n_rows(self) -> int:
        """Rows over all anchors."""
        return 0 if self._episode.samples is None else self._episode.samples.n_rows

    def image(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """One RGB frame."""
        return np.asarray(self._episode.images[index])

    def depth_m(self, index: int) -> Float[np.ndarray, "h w"]:
        """One depth image [m]."""
        assert self._episode.depth is not None
        return np.asarray(self._episode.depth[index])

    def rows(self, index: int) -> FrameRows:
        """The rows of an anchor frame."""
        where, samples = self._episode.slot(index), self._episode.samples
        return FrameRows(**{name: np.asarray(getattr(samples, name)[where]) for name in ROW_NAMES})

    def cameras(self) -> Cameras:
        """All cameras."""
        return Cameras(self._episode.intrinsics, self._episode.camera_from_world)

    def acceleration(self) -> Float32[np.ndarray, " t"]:
        """Mean acceleration of moving points."""
        return self._episode.acceleration

    def sidecar(self) -> Sidecar:
        """Content of mu0.json."""
        return self._episode.sidecar

    def instructions(self) -> tuple[str, ...]:
        """Instructions of the episode."""
        return stored_instructions(self.folder, self._episode.sidecar)


def write_official(view: AbstractEpisodeView, folder: Path) -> None:
    """Write the official files of any episode into an existing folder, one frame in memory at a time.

    Raises:
        EpisodeError: A frame or sample cannot be read.
    """
    is_3d = view.sidecar().is_3d
    height_px, width_px = view.size_px
    with NpyWriter(folder / "images.npy", (height_px, width_px, 3), np.uint8) as images:
        for index in range(view.n_frames):
            images.append(view.image(index)[None])
    if view.has_depth and is_3d:
        with NpyWriter(folder / "depth.npy", view.size_px, np.float16) as depth, np.errstate(over="ignore"):
            for index in range(view.n_frames):
                depth.append(view.depth_m(index).astype(np.float16)[None])
    cameras = view.cameras()
    np.savez(
        folder / "cameras.npz",
        intrinsics=cameras.intrinsics,
        extrinsics=cameras.camera_from_world,
        height=np.int32(height_px),
        width=np.int32(width_px),
    )
    known = {} if "cameras" in view.absent else _camera_statistics(cameras, view.size_px)
    np.savez(folder / "movement_statistics.npz", allow_pickle=False, **known)
    _write_samples(view, folder / "samples")
    np.savez(folder / "acceleration.npz", acceleration=view.acceleration())
    sidecar = view.sidecar()  # after the rows, for a view that makes them learns from them
    write_texts(folder, "\n".join(view.instructions()), None, sidecar)
    (folder / SIDECAR_NAME).write_text(sidecar_text(sidecar), encoding="utf-8")


def _camera_statistics(cameras: Cameras, size_px: tuple[int, int]) -> dict[str, np.ndarray]:
    return movement_statistics(cameras.camera_from_world, np.zeros(0), size_px)


def _write_samples(view: AbstractEpisodeView, folder: Path) -> None:
    folder.mkdir()
    frames, offsets = [], [0]
    with ExitStack() as open_files:
        writers: dict[str, NpyWriter] = {}
        for index, rows in view.iter_rows():
            if len(rows.keypoints) == 0:
                continue
            for name in ROW_NAMES:
                array = getattr(rows, name)
                if name not in writers:
                    writer = NpyWriter(folder / f"{name}.npy", array.shape[1:], array.dtype)
                    writers[name] = open_files.enter_context(writer)
                writers[name].append(array)
            frames.append(index)
            offsets.append(offsets[-1] + len(rows.keypoints))
    if frames:
        np.save(folder / "frame_indices.npy", np.array(frames, np.int32))
        np.save(folder / "offsets.npy", np.array(offsets, np.int64))
