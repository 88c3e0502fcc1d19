"""The frames of a clip that become an episode: all in memory, or all on disk if they are too many.

Of a faster clip the frame nearest to each time k / rate is kept, so that the rate is the asked one. A clip
of at most `extract.window_frames` kept frames is read into memory; a longer one goes straight into the files
from which the engine reads it window by window, one decoded frame in memory at a time. Of a clip without
depth the luma of the frames between is read too, up to 30 Hz: points are followed through these.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Int, UInt8

from mu0.episodes.stream import FrameStore, NpyWriter
from mu0.errors import ExtractionError
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import Clip, ClipInfo
from mu0.sources.containers.timing import even_indices, take
from mu0.traceextract.backends.interfaces import FineGrey, Footage

FINE_FPS_HZ = 30.0
SAME_RATE = 1.05  # 29.97 Hz is 30 Hz
SMALLEST_SIDE_PX = 16  # dense flow (cv2.DISOpticalFlow) crashes on less
LARGEST_SIDE_PX = 32_766  # cv2.remap reads no larger picture


def kept_frames(clip: Clip, target_fps_hz: float) -> np.ndarray:
    """Numbers of the source frames that are kept.

    Raises:
        ExtractionError: Fewer than two frames are left.
    """
    is_faster = clip.info.fps_hz > target_fps_hz
    kept = even_indices(clip.info.n_frames, clip.info.fps_hz, target_fps_hz if is_faster else None)
    if len(kept) < 2:
        raise ExtractionError(
            f"Clip {clip.info.source}/{clip.info.clip_id} has {clip.info.n_frames} frames "
            f"at {clip.info.fps_hz:g} Hz; {len(kept)} are left at {target_fps_hz:g} Hz.",
            expected="at least 2 frames",
            remedy="leave this clip out, or raise `extract.target_fps_hz` in params.yaml.",
        )
    return kept


def fits_in_memory(clip: Clip, params: ExtractParams) -> bool:
    """Whether the kept frames are no more than one window holds; raises as `kept_frames`."""
    return len(kept_frames(clip, params.target_fps_hz)) <= params.window_frames


def read_footage(clip: Clip, target_fps_hz: float) -> Footage:
    """Read the kept frames into memory, with what the source knows.

    Raises:
        ExtractionError: Fewer than two frames are left, or the pictures are too small or too large.
        SourceError: The clip cannot be decoded.
    """
    return _footage(clip, target_fps_hz, None, None)


def store_footage(clip: Clip, target_fps_hz: float, images: Path, scratch: Path) -> Footage:
    """Decode the kept frames into the file `images`, their depth into `scratch`; raises as `read_footage`."""
    return _footage(clip, target_fps_hz, images, scratch)


def _footage(clip: Clip, target_fps_hz: float, images: Path | None, scratch: Path | None) -> Footage:
    kept, info = kept_frames(clip, target_fps_hz), clip.info
    size = (info.height_px, info.width_px)
    _require_sides(info)
    fine_frames = _fine_frames(clip, kept)
    with _Lumas(size, None if scratch is None else scratch / "fine.npy") as lumas:
        frames = take(_noting(clip.iter_frames(), fine_frames, lumas), kept)
        collected = _collect(frames, len(kept), (*size, 3), np.uint8, images)
    poses = clip.camera_from_world()
    return Footage(
        frames=collected,
        depth_m=_collect(
            take(clip.iter_depth_m(), kept),
            len(kept),
            size,
            np.float32,
            None if scratch is None else scratch / "depth.npy",
        )
        if info.has_depth
        else None,
        intrinsics=clip.intrinsics(),
        camera_from_world=None if poses is None else poses[kept],
        source_frames=kept,
        fps_hz=min(info.fps_hz, target_fps_hz),
        scratch=scratch,
        fine=FineGrey(lumas.array(), np.searchsorted(fine_frames, kept)) if len(fine_frames) else None,
    )


def _require_sides(info: ClipInfo) -> None:
    sides = info.width_px, info.height_px
    if min(sides) < SMALLEST_SIDE_PX or max(sides) > LARGEST_SIDE_PX:
        raise ExtractionError(
            f"Clip {info.source}/{info.clip_id} has frames of {sides[0]} x {sides[1]} px (width x height).",
            expected=f"sides of {SMALLEST_SIDE_PX} to {LARGEST_SIDE_PX} px",
            remedy="resize or crop the video.",
        )


def _fine_frames(clip: Clip, kept: Int[np.ndarray, " t"]) -> Int[np.ndarray, " f"]:
    """Source frames that help to follow points where there is no depth; none if no frame lies between."""
    info = clip.info
    if info.has_depth or kept[-1] - kept[0] + 1 == len(kept):
        return np.zeros(0, int)
    rate_hz = FINE_FPS_HZ if info.fps_hz > FINE_FPS_HZ * SAME_RATE else None
    fine = np.union1d(even_indices(info.n_frames, info.fps_hz, rate_hz), kept)
    return fine[(fine >= kept[0]) & (fine <= kept[-1])]


class _Lumas:
    """Luma images that come one by one: in memory, or in a file."""

    def __init__(self, size: tuple[int, int], path: Path | None) -> None:
        self._images: list[np.ndarray] = []
        self._path, self._size = path, size
        self._writer: NpyWriter | None = None

    def append(self, image: UInt8[np.ndarray, "h w"]) -> None:
        if self._path is None:
            self._images.append(image)
            return
        self._writer = self._writer or NpyWriter(self._path, self._size, np.uint8)
        self._writer.append(image[None])

    def array(self) -> np.ndarray | FrameStore:
        return np.stack(self._images) if self._path is None else FrameStore(self._path)

    def __enter__(self) -> "_Lumas":
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()


def _noting(
    frames: Iterator[np.ndarray], wanted: Int[np.ndarray, " f"], lumas: _Lumas
) -> Iterator[np.ndarray]:
    """The same frames; the luma of some of them is noted in passing."""
    numbers = set(wanted.tolist())
    for number, frame in enumerate(frames):
        if number in numbers:
            lumas.append(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
        yield frame


def _collect(
    images: Iterator[np.ndarray], count: int, shape: tuple[int, ...], dtype: type, path: Path | None
) -> np.ndarray | FrameStore:
    """`count` images in one array or in the file `path`; exhausts the iterator, for it checks its end."""
    if path is None:
        collected: np.ndarray = np.empty((count, *shape), dtype)
        for index, image in enumerate(images):
            if index < count:
                collected[index] = image
        return collected
    with NpyWriter(path, shape, dtype) as writer:
        for image in images:
            writer.append(image[None])
    return FrameStore(path)
