"""RGB-D visual odometry: the camera path from colour and depth, in spite of things that move by themselves.

Each step from frame t - 1 to t
    1. dense flow t -> t - 1, lifted with the depth of t, gives points with pixels: PnP in RANSAC
    2. pixels that the found motion does not explain are masked (hands, carried things)
    3. dense photometric and geometric alignment (`cv2.Odometry`) refines the step on the rest
    4. PnP against a keyframe some frames back, started from the sum of the steps, takes out their drift
Every stage is gated: a refinement that runs away from a sound PnP is dropped, an unsound PnP falls back to
unmasked dense alignment, and a step that is lost, or so abrupt that only a keyframe could vouch for it and
none does, marks its frame as lost. From then on each frame is compared with trusted keyframes until one is
recognised (`relocalization`); the path between is interpolated. A camera that stands still is recognised, so
that it does not drift.

Source
    Measured in reference/perception.md §3: 5.8 mm drift over 0.88 m with a moving arm in view, against 58 mm
    without the mask. RANSAC and gates: own.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from mu0.episodes.stream import FrameArray
from mu0.geometry.camera import project
from mu0.geometry.rigid import apply, invert, nearest_rigid, rotation_angle_rad
from mu0.traceextract.descriptors import dense_flow, static_flow
from mu0.traceextract.relocalization import Keyframes, bridge_lost

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
MIN_KEY_SHARE = 0.5  # of the samples that must still agree with the keyframe
MAX_KEY_FRAMES = 15
ANCHOR_WEIGHT = 0.3
MAX_CORRECTION_M = 0.03
MAX_CORRECTION_RAD = 0.03
MAX_CHANGE_M, MAX_CHANGE_RAD = 0.06, 0.1  # of the step, from one frame to the next
MAX_LOST_FRAMES = 15


@dataclass(frozen=True)
class CameraPath:
    """Poses, the reprojection residual of each step, and the frames that were lost or recognised again."""

    camera_from_world: Float[np.ndarray, "t 4 4"]
    residual_px: Float[np.ndarray, " t"]
    is_lost: Bool[np.ndarray, " t"]
    inlier_share: Float[np.ndarray, " t"]
    is_recognised: Bool[np.ndarray, " t"]

    def report(self) -> dict[str, float]:
        """Residuals of the episode, by name with their unit."""
        return {
            "pose_residual_px": _median(self.residual_px[1:]),
            "pose_inlier_share": _median(self.inlier_share[1:]),
            "n_pose_lost": float(self.is_lost.sum()),
            "n_pose_recognised": float(self.is_recognised.sum()),
        }


@dataclass(frozen=True)
class _Step:
    previous_from_current: Float[np.ndarray, "4 4"]
    residual_px: float
    inlier_share: float
    points: Float[np.ndarray, "n 3"]  # the inliers in the current camera ...
    goal: Float[np.ndarray, "n 2"]  # ... and where flow sees them in the other image


def estimate_path(
    grey: UInt8[FrameArray, "t h w"],
    depth_m: Float[FrameArray, "t h w"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> CameraPath:
    """Camera path of an RGB-D video; the world is the camera of the first frame.

    Args:
        grey: Luma.
        depth_m: Registered depth; 0 = missing.
        intrinsics: Camera matrix [px].
    """
    path = _Path(grey, depth_m, intrinsics)
    for frame in range(1, len(grey)):
        path.advance(frame)
    world_from_camera = bridge_lost(path.world_from_camera, path.is_lost)
    return CameraPath(
        invert(world_from_camera), path.residual_px, path.is_lost, path.inlier_share, path.is_recognised
    )


class _Path:
    """The path so far; `key` is the keyframe that steps are anchored to."""

    def __init__(
        self,
        grey: UInt8[FrameArray, "t h w"],
        depth_m: Float[FrameArray, "t h w"],
        intrinsics: Float[np.ndarray, "3 3"],
    ) -> None:
        n_frames = len(grey)
        self._grey, self._depth_m, self._intrinsics = grey, depth_m, intrinsics
        self.world_from_camera = np.tile(np.eye(4), (n_frames, 1, 1))
        self.residual_px, self.inlier_share = np.zeros(n_frames), np.zeros(n_frames)
        self.is_lost, self.is_recognised = np.zeros(n_frames, bool), np.zeros(n_frames, bool)
        self._velocity, self._key = np.eye(4), 0
        self._trusted = Keyframes([0])

    def advance(self, frame: int) -> None:
        """Find the pose of `frame` from those before it."""
        self.world_from_camera[frame - 1] = nearest_rigid(self.world_from_camera[frame - 1])
        pair = slice(frame - 1, frame + 1)
        step = _estimate_step(self._grey[pair], self._depth_m[pair], self._intrinsics)
        self.residual_px[frame] = np.nan if step is None else step.residual_px
        self.inlier_share[frame] = 0.0 if step is None else step.inlier_share
        if self.is_lost[frame - 1] and self._recognise(frame):
            return
        motion = np.eye(4) if step is None else step.previous_from_current
        guess = invert(self.world_from_camera[self._key]) @ self.world_from_camera[frame - 1] @ motion
        anchored = None
        if not self.is_lost[frame - 1]:
            hope = guess @ self._velocity if step is None else guess
            anchored = _anchor(self._grey[[self._key, frame]], self._depth_m[frame], self._intrinsics, hope)
        is_sound = step is not None and not _is_abrupt(self._velocity, step.previous_from_current)
        if self.is_lost[frame - 1] or (anchored is None and not is_sound):
            self._lose(frame, guess)
            return
        self._velocity = motion
        key_from_frame = guess if anchored is None else _towards(guess, anchored.previous_from_current)
        self.world_from_camera[frame] = self.world_from_camera[self._key] @ key_from_frame
        is_far = anchored is None or anchored.inlier_share < MIN_KEY_SHARE
        if is_far or frame - self._key >= MAX_KEY_FRAMES:
            self._trust(frame)

    def _lose(self, frame: int, key_from_frame: Float[np.ndarray, "4 4"]) -> None:
        """Go on by the steps alone; after a long time that is trusted again, for want of anything better."""
        self.world_from_camera[frame] = self.world_from_camera[self._key] @ key_from_frame
        self.is_lost[frame] = True
        self._velocity = np.eye(4)
        begun = frame - MAX_LOST_FRAMES
        if begun >= 0 and self.is_lost[begun : frame + 1].all() and np.isfinite(self.residual_px[frame]):
            self._trust(frame)
            self.is_lost[frame] = False

    def _recognise(self, frame: int) -> bool:
        found = self._trusted.find(self._grey, self._depth_m, frame, self._intrinsics)
        if found is None:
            return False
        key, key_from_frame = found
        self.world_from_camera[frame] = self.world_from_camera[key] @ key_from_frame
        self.is_recognised[frame] = True
        self._velocity = np.eye(4)
        self._trust(frame)
        return True

    def _trust(self, frame: int) -> None:
        self._key = frame
        self._trusted.add(frame)


def _is_abrupt(before: Float[np.ndarray, "4 4"], now: Float[np.ndarray, "4 4"]) -> bool:
    """A change of velocity that no hand and no robot makes within one frame."""
    change = invert(before) @ now
    return bool(np.linalg.norm(change[:3, 3]) > MAX_CHANGE_M or _angle_rad(change[:3, :3]) > MAX_CHANGE_RAD)


def _anchor(
    grey: UInt8[np.ndarray, "2 h w"],
    depth_m: Float[np.ndarray, "h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    guess: Float[np.ndarray, "4 4"],
) -> _Step | None:
    """The motion from a frame to its keyframe, near the guess that the steps between them add up to."""
    expected = np.nan_to_num(static_flow(depth_m, intrinsics, guess), nan=0.0).astype(np.float32)
    step = _pnp(dense_flow(grey[1], grey[0], expected), depth_m, intrinsics)
    if step is None:
        return None
    apart = invert(guess) @ step.previous_from_current
    is_near = np.linalg.norm(apart[:3, 3]) < MAX_CORRECTION_M
    return step if is_near and _angle_rad(apart[:3, :3]) < MAX_CORRECTION_RAD else None


def _towards(start: Float[np.ndarray, "4 4"], goal: Float[np.ndarray, "4 4"]) -> Float[np.ndarray, "4 4"]:
    """A part of the way: the steps are smooth but drift, the anchor does not drift but is noisy."""
    difference = invert(start) @ goal
    part = np.eye(4)
    part[:3, :3] = cv2.Rodrigues(ANCHOR_WEIGHT * cv2.Rodrigues(difference[:3, :3])[0])[0]
    part[:3, 3] = ANCHOR_WEIGHT * difference[:3, 3]
    return start @ part


def _estimate_step(
    grey: UInt8[np.ndarray, "2 h w"],
    depth_m: Float[np.ndarray, "2 h w"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> _Step | None:
    flow = dense_flow(grey[1], grey[0])
    step = _pnp(flow, depth_m[1], intrinsics)
    if step is not None and _is_identity(step):
        return step
    mask = None if step is None else _unexplained(flow, depth_m, intrinsics, step.previous_from_current)
    dense = _dense(grey, depth_m, intrinsics, mask)
    if dense is None or not _is_plausible(dense):
        return step
    if step is None:
        return _Step(dense, float("nan"), 0.0, np.zeros((0, 3)), np.zeros((0, 2)))
    apart = invert(step.previous_from_current) @ dense
    is_near = (
        np.linalg.norm(apart[:3, 3]) < MAX_REFINEMENT_M and _angle_rad(apart[:3, :3]) < MAX_REFINEMENT_RAD
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
) -> _Step | None:
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
        return _Step(np.eye(4), moved_px, share, points, goal)
    motion = np.eye(4)
    motion[:3, :3] = cv2.Rodrigues(rotation)[0]
    motion[:3, 3] = translation.ravel()
    residual_px = _residual_px(motion, points, goal, intrinsics)
    return _Step(motion, residual_px, share, points, goal) if _is_plausible(motion) else None


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
    return bool(near and _angle_rad(motion[:3, :3]) < MAX_STEP_RAD)


def _angle_rad(rotation: Float[np.ndarray, "3 3"]) -> float:
    return float(rotation_angle_rad(rotation[None])[0])


def _is_identity(step: _Step) -> bool:
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


def _median(values: Float[np.ndarray, " n"]) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")
