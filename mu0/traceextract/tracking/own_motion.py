"""Which pixels move by themselves: what optical flow leaves over when the camera's own part is taken away."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from mu0.episodes.stream import FrameArray
from mu0.geometry.rigid import invert
from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.reconstruction.flow import dense_flow, homography_flow, static_flow

MOTION_SPAN_S = 0.2  # flow over two frames at 10 Hz: slow hands rise above the noise of flow
MOTION_LIMIT_PX = 0.8  # residual flow of static texture stays below this at 128 to 640 px width
MOTION_LIMIT_M = 0.004  # ... and a residual must also mean this much metric motion
HALO_SHARE = 0.009  # of the width
CHANGE_LEVELS = 5  # of 255, after a blur that takes the noise away
CHANGE_BLUR_SHARE, CHANGE_CLOSE_SHARE = 0.003, 0.012  # of the width


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
