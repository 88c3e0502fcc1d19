"""A known answer: a textured wall at 1 m, and a textured square at 0.8 m that slides sideways."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mu0.sources.clip.on_disk import Clip, ClipInfo
from mu0.traceextract.backends.interfaces import Footage

SIZE_PX, FOCAL_PX, N_FRAMES = 128, 128.0, 24
WALL_M, SQUARE_M = 1.0, 0.8
SQUARE_PX, START_PX, TOP_PX, STEP_PX = 36, 20, 50, 2
STEP_M = STEP_PX * SQUARE_M / FOCAL_PX
INTRINSICS = np.array([[FOCAL_PX, 0, 63.5], [0, FOCAL_PX, 63.5], [0, 0, 1]])


def _texture(seed: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = rng.random((size // 3 + 1, size // 3 + 1, 3)).astype(np.float32)
    return (255 * cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 1)).astype(np.uint8)


def footage(*, moves: bool = True, poses: bool = True, depth: bool = True) -> Footage:
    frames = np.repeat(_texture(0, SIZE_PX)[None], N_FRAMES, 0)
    depth_m = np.full((N_FRAMES, SIZE_PX, SIZE_PX), WALL_M, np.float32)
    for frame in range(N_FRAMES):
        left = START_PX + (STEP_PX * frame if moves else 0)
        area = np.s_[frame, TOP_PX : TOP_PX + SQUARE_PX, left : left + SQUARE_PX]
        frames[area] = _texture(1, SQUARE_PX)
        depth_m[area] = SQUARE_M
    return Footage(
        frames=frames,
        depth_m=depth_m if depth else None,
        intrinsics=INTRINSICS if depth else None,
        camera_from_world=np.tile(np.eye(4), (N_FRAMES, 1, 1)) if poses else None,
        source_frames=np.arange(N_FRAMES),
        fps_hz=10.0,
    )


@dataclass(frozen=True)
class SquareClip(Clip):
    """A clip that was never on disk."""

    content: Footage

    def iter_frames(self) -> Iterator[np.ndarray]:
        yield from self.content.frames

    def iter_depth_m(self) -> Iterator[np.ndarray]:
        assert self.content.depth_m is not None
        yield from self.content.depth_m

    def intrinsics(self) -> np.ndarray | None:
        return self.content.intrinsics

    def camera_from_world(self) -> np.ndarray | None:
        return self.content.camera_from_world


def clip_of(content: Footage) -> SquareClip:
    info = ClipInfo(
        clip_id="square",
        source="tests",
        fps_hz=10.0,
        n_frames=len(content.frames),
        width_px=SIZE_PX,
        height_px=SIZE_PX,
        has_depth=content.depth_m is not None,
    )
    return SquareClip(Path(), info, content)
