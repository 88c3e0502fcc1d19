"""The frames of a clip that become an episode: all in memory, or all on disk if they are too many.

Of a faster clip the frame nearest to each time k / rate is kept, so that the rate is the asked one. A clip
of at most `extract.window_frames` kept frames is read into memory; a longer one goes straight into the files
from which the engine reads it window by window, one decoded frame in memory at a time.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mu0.episodes.stream import FrameStore, NpyWriter
from mu0.errors import ExtractionError
from mu0.sources.clip import Clip
from mu0.sources.timing import even_indices, take
from mu0.traceextract.backends.interfaces import Footage


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


def read_footage(clip: Clip, target_fps_hz: float) -> Footage:
    """Read the kept frames into memory, with what the source knows.

    Raises:
        ExtractionError: Fewer than two frames are left.
        SourceError: The clip cannot be decoded.
    """
    return _footage(clip, target_fps_hz, None, None)


def store_footage(clip: Clip, target_fps_hz: float, images: Path, scratch: Path) -> Footage:
    """Decode the kept frames into the file `images`, their depth into `scratch`; raises as `read_footage`."""
    return _footage(clip, target_fps_hz, images, scratch)


def _footage(clip: Clip, target_fps_hz: float, images: Path | None, scratch: Path | None) -> Footage:
    kept, info = kept_frames(clip, target_fps_hz), clip.info
    size = (info.height_px, info.width_px)
    frames = take(clip.iter_frames(), kept)
    poses = clip.camera_from_world()
    return Footage(
        frames=_collect(frames, len(kept), (*size, 3), np.uint8, images),
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
    )


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
