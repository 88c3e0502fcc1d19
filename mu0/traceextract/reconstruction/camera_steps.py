"""One step of the camera: from a pair of RGB-D pictures to the motion between them, with gates.

    flow    dense flow, lifted with depth, PnP in RANSAC
    mask    pixels that the found motion does not explain (hands, carried things)
    dense   photometric and geometric alignment (`cv2.Odometry`) of the rest
A refinement that runs away from a sound PnP is dropped; an unsound PnP falls back to unmasked dense
alignment; if that is implausible too there is no step.

Source
    reference/perception.md §3. RANSAC and gates: own.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from mu0.geometry.camera import project
from mu0.geometry.rigid import apply, invert, rotation_angle_rad
from mu0.traceextract.reconstruction.flow import dense_flow, static_flow

GRID_POINTS = 2500  # samples of dense flow that PnP sees
PNP_LIMIT_PX = 1.0
MIN_INLIERS = 30
MIN_INLIER_SHARE = 0.25
MASK_LIMIT_PX = 1.5
MASK_LIMIT_M = 0.02
MAX_MASKED_SHARE = 0.7
MAX_STEP_M = 0.15
MAX_STEP_RAD = 0.25
MAX_REFINEMENT_M = 0.02
MAX_REFINEMENT_RAD = 0.02
MAX_REFINEMENT_PX = 0.25
STILL_LIMIT_PX = 0.15  # median flow of the inliers below which the camera stands
MIN_DEPTH_M = 0.1
ANCHOR_WEIGHT = 0.3
MAX_CORRECTION_M = 0.03
MAX_CORRECTION_RAD = 0.03


@dataclass(frozen=True)
class Step:
    """A motion, how well flow agrees with it, and the points that do."""

    previous_from_current: Float[np.ndarray, "4 4"]
    residual_px: float
    inlier_share: float
    points: Float[np.ndarray, "n 3"]  # the inliers in the current camera ...
    goal: Float[np.ndarray, "n 2"]  # ... and where flow sees them in the other image


def anchor(
    grey: UInt8[np.ndarray, "2 h w"],
    depth_m: Float[np.ndarray, "h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    guess: Float[np.ndarray, "4 4"],
) -> Step | None:
    """The motion from a frame to its keyframe, near the guess that the steps between them add up to."""
    expected = np.nan_to_num(static_flow(depth_m, intrinsics, guess), nan=0.0).astype(np.float32)
    step = _pnp(dense_flow(grey[1], grey[0], expected), depth_m, intrinsics)
    if step is None:
        return None
    apart = invert(guess) @ step.previous_from_current
    is_near = np.linalg.norm(apart[:3, 3]) < MAX_CORRECTION_M
    return step if is_near and angle_rad(apart[:3, :3]) < MAX_CORRECTION_RAD else None


def towards(start: Float[np.ndarray, "4 4"], goal: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """A part of the way: the steps are smooth but drift, the anchor does not drift but is noisy."""
    difference = invert(start) @ goal
    part = np.eye(4)
    part[:3, :3] = cv2.Rodrigues(ANCHOR_WEIGHT * cv2.Rodrigues(difference[:3, :3])[0])[0]
    part[:3, 3] = ANCHOR_WEIGHT * difference[:3, 3]
    return start @ part


def estimate_step(
    grey: UInt8[np.ndarray, "2 h w"],
    depth_m: Float[np.ndarray, "2 h w"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Step | None:
    """The motion from the second picture to the first; None if no gate lets one through."""
    flow = dense_flow(grey[1], grey[0])
    step = _pnp(flow, depth_m[1], intrinsics)
    if step is not None and _is_identity(step):
        return step
    mask = None if step is None else _unexplained(flow, depth_m, intrinsics, step.previous_from_current)
    dense = _dense(grey, depth_m, intrinsics, mask)
    if dense is None or not _is_plausible(dense):
        return step
    if step is None:
        return Step(dense, float("nan"), 0.0, np.zeros((0, 3)), np.zeros((0, 2)))
    apart = invert(step.previous_from_current) @ dense
    is_near = (
        np.linalg.norm(apart[:3, 3]) < MAX_REFINEMENT_M and angle_rad(apart[:3, :3]) < MAX_REFINEMENT_RAD
    )
    agrees = _residual_px(dense, step.points, step.goal, intrinsics) < step.residual_px + MAX_REFINEMENT_PX
    return replace(step, previous_from_current=dense) if is_near and agrees else step


def _lift_grid(
    depth_m: Float[np.ndarray, "h w"], intrinsics: Float[np.ndarray, "3 3"], step_px: int
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 2"]]:
    """Camera points and their pixels on a grid, where there is depth."""
    height, width = depth_m.shape
    x, y = np.meshgrid(np.arange(0, width, step_px), np.arange(0, height, step_px))
    z = depth_m[y, x].astype(np.float64)
    has_depth = z > MIN_DEPTH_M
    pixel = np.stack([x[has_depth], y[has_depth]], 1).astype(np.float64)
    rays = (pixel - intrinsics[:2, 2]) / intrinsics[[0, 1], [0, 1]]
    z = z[has_depth][:, None]
    return np.concatenate([rays * z, z], 1), pixel


def _pnp(
    flow: Float32[np.ndarray, "h w 2"],
    depth_m: Float[np.ndarray, "h w"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Step | None:
    """The motion that most of the flow agrees with; None if that is too little."""
    step_px = max(1, round(np.sqrt(depth_m.size / GRID_POINTS)))
    points, pixel = _lift_grid(depth_m, intrinsics, step_px)
    if len(points) < MIN_INLIERS:
        return None
    column, row = pixel.astype(int).T
    goal = pixel + flow[row, column]
    cv2.setRNGSeed(0)
    found, rotation, translation, inlier = cv2.solvePnPRansac(
        points,
        goal,
        intrinsics,
        None,
        iterationsCount=100,
        reprojectionError=PNP_LIMIT_PX,
        confidence=0.999,
        flags=cv2.SOLVEPNP_EPNP,
    )
    if not found or inlier is None or len(inlier) < max(MIN_INLIERS, MIN_INLIER_SHARE * len(points)):
        return None
    inlier = inlier.ravel()
    points, pixel, goal = points[inlier], pixel[inlier], goal[inlier]
    rotation, translation = cv2.solvePnPRefineLM(points, goal, intrinsics, None, rotation, translation)
    share = len(inlier) / len(column)
    moved_px = float(np.median(np.linalg.norm(goal - pixel, axis=1)))
    if moved_px < STILL_LIMIT_PX:
        return Step(np.eye(4), moved_px, share, points, goal)
    motion = np.eye(4)
    motion[:3, :3] = cv2.Rodrigues(rotation)[0]
    motion[:3, 3] = translation.ravel()
    residual_px = _residual_px(motion, points, goal, intrinsics)
    return Step(motion, residual_px, share, points, goal) if _is_plausible(motion) else None


def _residual_px(
    motion: Float[np.ndarray, "4 4"],
    points: Float[np.ndarray, "n 3"],
    goal: Float[np.ndarray, "n 2"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> float:
    """Median distance between where a motion puts points and where flow sees them."""
    predicted = project(apply(motion, points), intrinsics)[:, :2]
    return float(np.median(np.linalg.norm(predicted - goal, axis=1)))


def _is_plausible(motion: Float[np.ndarray, "4 4"]) -> bool:
    """A step that a camera makes between two frames."""
    near = np.isfinite(motion).all() and np.linalg.norm(motion[:3, 3]) < MAX_STEP_M
    return bool(near and angle_rad(motion[:3, :3]) < MAX_STEP_RAD)


def angle_rad(rotation: Float[np.ndarray, "3 3"]) -> float:
    """The angle of a rotation."""
    return float(rotation_angle_rad(rotation[None])[0])


def _is_identity(step: Step) -> bool:
    return bool((step.previous_from_current == np.eye(4)).all())


def _unexplained(
    flow: Float32[np.ndarray, "h w 2"],
    depth_m: Float[np.ndarray, "2 h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    previous_from_current: Float[np.ndarray, "4 4"],
) -> Bool[np.ndarray, "h w"] | None:
    """Pixels of the current frame whose flow or depth contradicts the motion; None if that is nearly all."""
    previous_m, current_m = depth_m.astype(np.float32)
    height, width = current_m.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    k = intrinsics.astype(np.float32)
    points = np.stack(
        [(x - k[0, 2]) / k[0, 0] * current_m, (y - k[1, 2]) / k[1, 1] * current_m, current_m], -1
    )
    moved = points @ previous_from_current[:3, :3].T.astype(np.float32)
    moved += previous_from_current[:3, 3].astype(np.float32)
    z = np.maximum(moved[..., 2], 1e-3)
    u, v = moved[..., 0] / z * k[0, 0] + k[0, 2], moved[..., 1] / z * k[1, 1] + k[1, 2]
    off_px = np.hypot(u - x - flow[..., 0], v - y - flow[..., 1])
    measured = cv2.remap(previous_m, u, v, cv2.INTER_NEAREST)
    off_m = np.where(measured > MIN_DEPTH_M, np.abs(measured - moved[..., 2]), 0)
    odd = ((off_px > MASK_LIMIT_PX) | (off_m > MASK_LIMIT_M)) & (current_m > MIN_DEPTH_M)
    opened = cv2.morphologyEx(odd.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    mask = cv2.dilate(opened, np.ones((9, 9), np.uint8)).astype(bool)
    return mask if mask.mean() <= MAX_MASKED_SHARE else None


def _dense(
    grey: UInt8[np.ndarray, "2 h w"],
    depth_m: Float[np.ndarray, "2 h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    mask: Bool[np.ndarray, "h w"] | None,
) -> Float[np.ndarray, "4 4"] | None:
    """Dense alignment of the current frame to the previous one, without the masked pixels."""
    depth = np.where(depth_m > MIN_DEPTH_M, depth_m, np.nan).astype(np.float32)
    if mask is not None:
        depth[1][mask] = np.nan
    settings = cv2.OdometrySettings()
    settings.setCameraMatrix(intrinsics.astype(np.float32))
    odometry = cv2.Odometry(cv2.OdometryType_RGB_DEPTH, settings, 0)
    current = cv2.OdometryFrame(depth[1], grey[1])
    previous = cv2.OdometryFrame(depth[0], grey[0])
    odometry.prepareFrames(current, previous)
    found, motion = odometry.compute(current, previous)
    return np.asarray(motion, np.float64) if found else None
