"""RGB-D clips of any length in a second per thousand frames: textured boards before a textured wall.

Every board is a plane parallel to the first image; it slides sideways as told. The camera stands still, or
sways and turns as a hand-held one would. Rays are cast exactly, so colour, depth and truth agree to a pixel.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mu0.sources.clip.on_disk import Clip, ClipInfo, write_clip

WALL_M = 1.2
Path3 = Callable[[int], tuple[float, float]]  # frame -> sideways and upwards [m]


@dataclass(frozen=True)
class Board:
    """A textured square that slides in its plane."""

    depth_m: float
    side_m: float
    place: Path3
    seed: int


def to_and_fro(x_m: float, y_m: float, reach_m: float, period: float, start: int = 0) -> Path3:
    """Slide about a place; from frame `start` on."""

    def place(frame: int) -> tuple[float, float]:
        phase = 2 * np.pi * max(0, frame - start) / period
        return x_m + reach_m * float(np.sin(phase)), y_m + 0.3 * reach_m * float(np.sin(0.5 * phase))

    return place


USUAL = (
    Board(0.90, 0.22, to_and_fro(-0.12, -0.10, 0.12, 90), 1),
    Board(0.80, 0.18, to_and_fro(0.14, 0.14, 0.10, 70, start=40), 2),
    Board(0.55, 0.06, to_and_fro(0.0, 0.0, 0.30, 240), 3),  # passes before the others
)
STILL = (
    Board(0.90, 0.22, lambda _: (-0.12, -0.10), 1),
    Board(0.80, 0.18, lambda _: (0.14, 0.14), 2),
)


def intrinsics(width_px: int, height_px: int) -> np.ndarray:
    """A 53 degree lens."""
    return np.array([[width_px, 0, (width_px - 1) / 2], [0, width_px, (height_px - 1) / 2], [0, 0, 1.0]])


def camera_path(n_frames: int, *, moves: bool) -> np.ndarray:
    """`camera_from_world` of every frame; the first is the identity."""
    poses = np.tile(np.eye(4), (n_frames, 1, 1))
    if moves:
        phase = 2 * np.pi * np.arange(n_frames) / 160
        for pose, angle in zip(poses, phase, strict=True):
            turn = np.array([0.05 * np.sin(0.7 * angle), 0.08 * np.sin(angle), 0.03 * np.sin(0.4 * angle)])
            pose[:3, :3] = cv2.Rodrigues(turn)[0]
            pose[:3, 3] = [0.08 * np.sin(angle), 0.05 * np.sin(0.6 * angle), 0.04 * np.sin(0.8 * angle)]
    return poses


def _texture(seed: int, size: int = 256) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.random((size // 16, size // 16, 3)).astype(np.float32), (size, size))
    fine = cv2.resize(rng.random((size // 4, size // 4, 3)).astype(np.float32), (size, size))
    return (255 * (0.5 * coarse + 0.5 * fine)).astype(np.uint8)


def render(
    n_frames: int, width_px: int, height_px: int, boards: tuple[Board, ...], *, camera_moves: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield colour and depth [m], frame by frame."""
    k = intrinsics(width_px, height_px)
    x, y = np.meshgrid(np.arange(width_px), np.arange(height_px))
    rays = np.stack([(x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1], np.ones(x.shape)], -1)
    wall = Board(WALL_M, 3.0, lambda _: (0.0, 0.0), 0)
    planes = [(board, _texture(board.seed, 1024 if board is wall else 128)) for board in (wall, *boards)]
    for frame, pose in enumerate(camera_path(n_frames, moves=camera_moves)):
        direction = (rays @ pose[:3, :3]).astype(np.float32)
        centre = -pose[:3, :3].T @ pose[:3, 3]
        colour = np.zeros((height_px, width_px, 3), np.uint8)
        depth = np.full((height_px, width_px), np.inf, np.float32)
        for board, texture in planes:
            along = (board.depth_m - centre[2]) / direction[..., 2]
            place = board.place(frame)
            scale = len(texture) / board.side_m
            u = (centre[0] + along * direction[..., 0] - place[0] + board.side_m / 2) * scale
            v = (centre[1] + along * direction[..., 1] - place[1] + board.side_m / 2) * scale
            here = (u >= 0) & (v >= 0) & (u < len(texture)) & (v < len(texture)) & (along < depth)
            seen = cv2.remap(texture, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
            colour[here], depth[here] = seen[here], along[here]
        yield colour, np.where(np.isfinite(depth), depth, 0).astype(np.float32)


def write_long_clip(  # noqa: PLR0913 - what clips differ in
    folder: Path,
    n_frames: int,
    width_px: int = 128,
    height_px: int = 128,
    *,
    boards: tuple[Board, ...] = USUAL,
    camera_moves: bool = False,
    has_poses: bool = True,
    has_depth: bool = True,
) -> Clip:
    """Write a clip of boards into `folder`, whose last two names are source and clip."""
    info = ClipInfo(
        clip_id=folder.name,
        source=folder.parent.name,
        fps_hz=10.0,
        n_frames=n_frames,
        width_px=width_px,
        height_px=height_px,
        scene_id=folder.name,
        licence="CC0-1.0",
        video="video.mp4",
    )
    size = (n_frames, width_px, height_px, boards)
    return write_clip(
        folder,
        info,
        (colour for colour, _ in render(*size, camera_moves=camera_moves)),
        depth_m=(depth for _, depth in render(*size, camera_moves=camera_moves)) if has_depth else None,
        intrinsics=intrinsics(width_px, height_px) if has_depth else None,
        camera_from_world=camera_path(n_frames, moves=camera_moves) if has_depth and has_poses else None,
    )
