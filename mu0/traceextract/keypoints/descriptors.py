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

from mu0.episodes.stream import FrameArray
from mu0.geometry.rigid import invert
from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.reconstruction.warp import warp_pixels

MOTION_SPAN_S = 0.2  # flow over two frames at 10 Hz: slow hands rise above the noise of flow
GRADIENT_BINS = 6
MOTION_LIMIT_PX = 0.8  # residual flow of static texture stays below this at 128 to 640 px width
MOTION_LIMIT_M = 0.004  # ... and a residual must also mean this much metric motion
SMALL_WIDTH_PX = 256
LAB_SPREAD = 40.0
HOMOGRAPHY_STEP = 8
HALO_SHARE = 0.009  # of the width
CHANGE_LEVELS = 5  # of 255, after a blur that takes the noise away
CHANGE_BLUR_SHARE, CHANGE_CLOSE_SHARE = 0.003, 0.012  # of the width


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
) -> Float32[np.ndarray, "h w 2"]:
    """The flow [px] that a static world would show between two cameras; NaN where depth is missing."""
    height, width = depth_m.shape
    u, v, _ = warp_pixels(np.where(depth_m > 0, depth_m, np.nan), intrinsics, goal_from_source)
    u -= np.arange(width, dtype=np.float32)
    v -= np.arange(height, dtype=np.float32)[:, None]
    return np.stack([u, v], -1)


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
    depth_m, poses = reconstruction.depth_m[source], reconstruction.camera_from_world
    if (poses[goal] == poses[source]).all():
        return flow * (depth_m > 0)[..., None]
    camera_flow = static_flow(depth_m, reconstruction.intrinsics, poses[goal] @ invert(poses[source]))
    own = flow - camera_flow
    return np.where(np.isfinite(own), own, np.float32(0))


def flow_motion(
    footage: Footage, reconstruction: Reconstruction, frame: int
) -> tuple[Float[np.ndarray, "h w 2"], Bool[np.ndarray, "h w"]]:
    """Own motion [px] around `frame`, over `MOTION_SPAN_S`, and the pixels that move by themselves."""
    span = max(1, round(MOTION_SPAN_S * footage.fps_hz))
    goal = frame + span if frame + span < len(footage.frames) else max(frame - span, 0)
    flow = dense_flow(footage.grey[frame], footage.grey[goal])
    motion = own_motion(flow, reconstruction, frame, goal)
    if reconstruction.depth_m is None:
        moves = motion_mask(motion, None, float(reconstruction.intrinsics[0, 0]))
        return motion, moves & changing(footage.grey, frame)
    return motion, motion_mask(motion, reconstruction.depth_m[frame], float(reconstruction.intrinsics[0, 0]))


def changing(grey: UInt8[FrameArray, "t h w"], frame: int) -> Bool[np.ndarray, "h w"]:
    """Pixels that look different in the frame before and in the frame after, and what they enclose.

    Flow spreads over plain surfaces from whatever moves beside them; without depth only the picture says
    that these do not move. Asking both frames leaves out what is being uncovered.
    """
    width = grey.shape[2]
    blur = 2 * round(CHANGE_BLUR_SHARE * width) + 1
    here = cv2.GaussianBlur(np.asarray(grey[frame]), (blur, blur), 0)
    differs = np.full(here.shape, 255, np.uint8)
    for other in {max(0, frame - 1), min(len(grey) - 1, frame + 1)} - {frame}:
        there = cv2.GaussianBlur(np.asarray(grey[other]), (blur, blur), 0)
        differs = np.minimum(differs, cv2.absdiff(here, there))
    side = 2 * round(CHANGE_CLOSE_SHARE * width) + 1
    closed = cv2.morphologyEx(
        (differs > CHANGE_LEVELS).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)
    )
    return closed.astype(bool)


def motion_mask(
    motion: Float[np.ndarray, "h w 2"],
    depth_m: Float[np.ndarray, "h w"] | None,
    focal_px: float,
) -> Bool[np.ndarray, "h w"]:
    """Pixels that move by themselves, without specks."""
    size = cv2.magnitude(motion[..., 0].astype(np.float32), motion[..., 1].astype(np.float32))
    moves = size > MOTION_LIMIT_PX
    if depth_m is not None:
        moves &= size * depth_m / focal_px > MOTION_LIMIT_M
    opened = cv2.morphologyEx(moves.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return opened.astype(bool)


def without_halo(moves: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """What moves without its rim: flow spills over silhouettes, and depth is not there to say where they are.

    Things that are nothing but rim stay whole.
    """
    side = 2 * round(HALO_SHARE * moves.shape[1]) + 1
    square = np.ones((side, side), np.uint8)
    inside = cv2.erode(moves.astype(np.uint8), square)
    return inside.astype(bool) | (moves & ~cv2.dilate(inside, square, iterations=2).astype(bool))


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
