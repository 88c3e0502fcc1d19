"""Optical flow between two pictures, and the part of it that the camera's own motion explains.

With depth and a camera path that part is known exactly (`static_flow`); without depth a homography plays the
camera's part.

Sources
    Flow: DIS (arXiv:1603.03590), preset ULTRAFAST/FAST, OpenCV.
"""

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from mu0.traceextract.reconstruction.warp import warp_pixels

SMALL_WIDTH_PX = 256
LEAST_SIDE_PX = (
    16  # of MEDIUM, which halves the picture once; FAST, which does so twice, needs two times as much
)
HOMOGRAPHY_STEP = 8


def dense_flow(
    source: UInt8[np.ndarray, "h w"],
    goal: UInt8[np.ndarray, "h w"],
    guess: Float32[np.ndarray, "h w 2"] | None = None,
) -> Float32[np.ndarray, "h w 2"]:
    """Optical flow from `source` to `goal` [px], starting from `guess` where there is one.

    Sides are at least `LEAST_SIDE_PX`; `mu0.traceextract.footage` lets no smaller ones in.
    """
    assert min(source.shape) >= LEAST_SIDE_PX
    # below a patch of 8 px at its finest level DIS reads outside of the picture: a crash, not an error
    is_small = source.shape[1] <= SMALL_WIDTH_PX or min(source.shape) < 2 * LEAST_SIDE_PX
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
