"""What a patch looks like and whether it moves: the embedded stand-in for learned features.

A patch is described by its colour (mean and spread in Lab), its texture (histogram of gradient directions),
its depth and its own motion. Own motion is what optical flow leaves over when the flow of a static world,
known from depth and camera path, is taken away; without depth, a homography plays the camera's part.

Sources
    Flow: DIS (arXiv:1603.03590), preset ULTRAFAST/FAST, OpenCV.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from mu0.traceextract.backends.interfaces import Reconstruction

GRADIENT_BINS = 6
MOTION_LIMIT_PX = 0.8  # residual flow of static texture stays below this at 128 to 640 px width
MOTION_LIMIT_M = 0.004  # ... and a residual must also mean this much metric motion
SMALL_WIDTH_PX = 256
LAB_SPREAD = 40.0
HOMOGRAPHY_STEP = 8


def dense_flow(
    source: UInt8[np.ndarray, "h w"],
    goal: UInt8[np.ndarray, "h w"],
    guess: Float32[np.ndarray, "h w 2"] | None = None,
) -> Float32[np.ndarray, "h w 2"]:
    """Optical flow from `source` to `goal` [px], starting from `guess` where there is one."""
    is_small = source.shape[1] <= SMALL_WIDTH_PX
    preset = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM if is_small else cv2.DISOPTICAL_FLOW_PRESET_FAST
    start = None if guess is None else np.ascontiguousarray(guess)
    flow: Float32[np.ndarray, "h w 2"] = cv2.DISOpticalFlow.create(preset).calc(source, goal, start)
    return flow


def static_flow(
    depth_m: Float[np.ndarray, "h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    goal_from_source: Float[np.ndarray, "4 4"],
) -> Float[np.ndarray, "h w 2"]:
    """The flow [px] that a static world would show between two cameras; NaN where depth is missing."""
    height, width = depth_m.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    z = np.where(depth_m > 0, depth_m, np.nan).astype(np.float32)
    rays = np.stack(
        [(x - intrinsics[0, 2]) / intrinsics[0, 0], (y - intrinsics[1, 2]) / intrinsics[1, 1]], -1
    )
    points = np.concatenate([rays * z[..., None], z[..., None]], -1).astype(np.float32)
    moved = points @ goal_from_source[:3, :3].T.astype(np.float32) + goal_from_source[:3, 3].astype(
        np.float32
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        u = moved[..., 0] / moved[..., 2] * intrinsics[0, 0] + intrinsics[0, 2]
        v = moved[..., 1] / moved[..., 2] * intrinsics[1, 1] + intrinsics[1, 2]
    return np.stack([u - x, v - y], -1)


def homography_flow(flow: Float[np.ndarray, "h w 2"]) -> Float[np.ndarray, "h w 2"]:
    """The part of `flow` that one homography explains: the camera's, if most is background."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    grid = np.stack([x, y], -1)
    source = grid[::HOMOGRAPHY_STEP, ::HOMOGRAPHY_STEP].reshape(-1, 2)
    goal = source + flow[::HOMOGRAPHY_STEP, ::HOMOGRAPHY_STEP].reshape(-1, 2)
    cv2.setRNGSeed(0)
    homography, _ = cv2.findHomography(source, goal, cv2.RANSAC, 1.0)
    if homography is None:
        return np.zeros_like(flow)
    return cv2.perspectiveTransform(grid.reshape(1, -1, 2), homography).reshape(flow.shape) - grid


def own_motion(
    flow: Float[np.ndarray, "h w 2"], reconstruction: Reconstruction, source: int, goal: int
) -> Float[np.ndarray, "h w 2"]:
    """Flow [px] from frame `source` to `goal` beyond the camera's; 0 where depth is missing."""
    if reconstruction.depth_m is None:
        return flow - homography_flow(flow)
    poses = reconstruction.camera_from_world
    goal_from_source = poses[goal] @ np.linalg.inv(poses[source])
    camera_flow = static_flow(reconstruction.depth_m[source], reconstruction.intrinsics, goal_from_source)
    return np.nan_to_num(flow - camera_flow, nan=0.0)


def motion_mask(
    motion: Float[np.ndarray, "h w 2"],
    depth_m: Float[np.ndarray, "h w"] | None,
    focal_px: float,
) -> Bool[np.ndarray, "h w"]:
    """Pixels that move by themselves, without specks."""
    size = np.linalg.norm(motion, axis=-1)
    moves = size > MOTION_LIMIT_PX
    if depth_m is not None:
        moves &= size * depth_m / focal_px > MOTION_LIMIT_M
    opened = cv2.morphologyEx(moves.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return opened.astype(bool)


def describe_patches(
    frame: UInt8[np.ndarray, "h w 3"],
    depth_m: Float[np.ndarray, "h w"] | None,
    motion: Float[np.ndarray, "h w 2"],
    n_rows: int,
    n_columns: int,
) -> Float32[np.ndarray, "rows columns d"]:
    """Colour, texture, depth and own motion of each patch, all roughly within [-1, 1]."""
    size = (n_columns, n_rows)

    def pooled(channel: Float[np.ndarray, "h w *c"]) -> Float32[np.ndarray, "rows columns c"]:
        small = cv2.resize(channel.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return small.reshape(n_rows, n_columns, -1)

    lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(np.float32)
    mean = pooled(lab)
    spread = np.sqrt(np.maximum(pooled(lab**2) - mean**2, 0))
    grey = lab[..., 0]
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength, angle = np.hypot(dx, dy), np.mod(np.arctan2(dy, dx), np.pi)
    bins = np.minimum((angle / np.pi * GRADIENT_BINS).astype(int), GRADIENT_BINS - 1)
    texture = np.concatenate([pooled(strength * (bins == k)) for k in range(GRADIENT_BINS)], -1)
    texture /= np.linalg.norm(texture, axis=-1, keepdims=True) + LAB_SPREAD
    parts = [(mean - 128.0) / LAB_SPREAD, spread / LAB_SPREAD, texture, np.tanh(pooled(motion))]
    if depth_m is not None:
        parts.append(pooled(depth_m))
    return np.concatenate(parts, -1)
