"""Where is the camera, when the chain of steps is broken? Features against keyframes, and a repaired path.

Frame-to-frame steps need two pictures that are nearly alike. After a covered lens, a blur or a cut there are
none. Then features of the new picture are matched to those of trusted keyframes: its own depth lifts them,
PnP in RANSAC finds the pose, and three gates decide whether it is believed: enough inliers; inliers all over
the picture, not on one thing that moved by itself; and depth that fits, most of what the new picture sees
being where the keyframe saw it. A refused pose takes its matches with it, and the rest is asked again. Frames
in between get poses interpolated between the last trusted and the first found one, and stay marked as lost.

Source
    SIFT: Lowe 2004, with his ratio test. Gates: own.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from scipy.spatial.transform import Rotation, Slerp

from mu0.episodes.stream import FrameArray
from mu0.traceextract.reconstruction.warp import warp_pixels

N_FEATURES = 800
RATIO = 0.8
LIMIT_PX = 2.0
MIN_INLIERS = 20
MAX_GUESSES = 3
FIT_M, MIN_FIT_SHARE = 0.03, 0.5
FIT_STEP_PX = 8
MIN_HULL_SHARE = 0.3  # of the picture, around the inliers
MIN_DEPTH_M = 0.1
MAX_KEYFRAMES = 8


@dataclass(frozen=True)
class _View:
    pixel: Float32[np.ndarray, "n 2"]
    descriptor: Float32[np.ndarray, "n 128"]


@dataclass
class Keyframes:
    """Trusted frames, newest last; features are looked for when they are needed."""

    frames: list[int] = field(default_factory=list)
    _views: dict[int, _View] = field(default_factory=dict)

    def add(self, frame: int) -> None:
        """Trust a frame; with `MAX_KEYFRAMES` the second of the list makes room, so that the first stays."""
        self.frames.append(frame)
        if len(self.frames) > MAX_KEYFRAMES:
            self._views.pop(self.frames.pop(1), None)

    def find(
        self,
        grey: UInt8[FrameArray, "t h w"],
        depth_m: Float[FrameArray, "t h w"],
        frame: int,
        intrinsics: Float[np.ndarray, "3 3"],
    ) -> tuple[int, Float[np.ndarray, "4 4"]] | None:
        """The newest keyframe that shows the same place as `frame`, and key_from_frame; None if none does."""
        here = _features(grey[frame])
        if len(here.pixel) < MIN_INLIERS:
            return None
        for key in reversed(self.frames):
            if key not in self._views:
                self._views[key] = _features(grey[key])
            points, goal = _pairs(here, self._views[key], depth_m[frame], intrinsics)
            for _ in range(MAX_GUESSES):
                guess = _pose(points, goal, intrinsics)
                if guess is None:
                    break
                motion, inlier = guess
                is_spread = _hull_px(goal[inlier]) > MIN_HULL_SHARE * depth_m[frame].size
                if is_spread and fits_depth(depth_m[key], depth_m[frame], intrinsics, motion):
                    return key, motion
                points, goal = points[~inlier], goal[~inlier]
        return None


def _features(grey: UInt8[np.ndarray, "h w"]) -> _View:
    points, descriptor = cv2.SIFT.create(N_FEATURES).detectAndCompute(grey, None)
    if descriptor is None:
        return _View(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    pixel = np.array([point.pt for point in points], np.float32).reshape(-1, 2)
    return _View(pixel, descriptor.astype(np.float32))


def _pairs(
    here: _View, there: _View, depth_m: Float[np.ndarray, "h w"], intrinsics: Float[np.ndarray, "3 3"]
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 2"]]:
    """Points in this camera, and the pixels in the other picture that look like them."""
    if len(there.pixel) < MIN_INLIERS:
        return np.zeros((0, 3)), np.zeros((0, 2))
    squared = 2 - 2 * (_unit(here.descriptor) @ _unit(there.descriptor).T)
    nearest = np.argpartition(squared, 1, axis=1)[:, :2]
    two = np.take_along_axis(squared, nearest, 1)
    partner = np.take_along_axis(nearest, two.argmin(1)[:, None], 1)[:, 0]
    x, y = np.rint(here.pixel).astype(int).T
    z = depth_m[y.clip(0, len(depth_m) - 1), x.clip(0, depth_m.shape[1] - 1)].astype(np.float64)
    use = np.flatnonzero((two.min(1) < RATIO**2 * two.max(1)) & (z > MIN_DEPTH_M))
    rays = (here.pixel[use] - intrinsics[:2, 2]) / intrinsics[[0, 1], [0, 1]]
    points = np.concatenate([rays * z[use, None], z[use, None]], 1)
    return points, there.pixel[partner[use]].astype(np.float64)


def _pose(
    points: Float[np.ndarray, "n 3"], goal: Float[np.ndarray, "n 2"], intrinsics: Float[np.ndarray, "3 3"]
) -> tuple[Float[np.ndarray, "4 4"], Bool[np.ndarray, " n"]] | None:
    """The motion that most pairs agree with, and which do; None if that is too few."""
    if len(points) < MIN_INLIERS:
        return None
    cv2.setRNGSeed(0)
    found, rotation, translation, inlier = cv2.solvePnPRansac(
        points, goal, intrinsics, None, iterationsCount=300, reprojectionError=LIMIT_PX,
        confidence=0.999, flags=cv2.SOLVEPNP_EPNP,
    )  # fmt: skip
    if not found or inlier is None or len(inlier) < MIN_INLIERS:
        return None
    agrees = np.zeros(len(points), bool)
    agrees[inlier.ravel()] = True
    rotation, translation = cv2.solvePnPRefineLM(
        points[agrees], goal[agrees], intrinsics, None, rotation, translation
    )
    motion = np.eye(4)
    motion[:3, :3] = cv2.Rodrigues(rotation)[0]
    motion[:3, 3] = translation.ravel()
    return motion, agrees


def _hull_px(pixel: Float[np.ndarray, "n 2"]) -> float:
    """Area of the convex hull."""
    return float(cv2.contourArea(cv2.convexHull(pixel.astype(np.float32))))


def fits_depth(
    goal_m: Float[np.ndarray, "h w"],
    source_m: Float[np.ndarray, "h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    goal_from_source: Float[np.ndarray, "4 4"],
) -> bool:
    """Whether most of what the source sees, and the goal can see, is where the goal sees something."""
    depth = np.ascontiguousarray(source_m[::FIT_STEP_PX, ::FIT_STEP_PX])
    u, v, z = warp_pixels(depth, intrinsics, goal_from_source, FIT_STEP_PX)
    border = cv2.BORDER_CONSTANT
    with np.errstate(invalid="ignore"):
        measured = cv2.remap(goal_m.astype(np.float32), u, v, cv2.INTER_NEAREST, borderMode=border)
        both = (depth > MIN_DEPTH_M) & (z > MIN_DEPTH_M) & (measured > MIN_DEPTH_M)
        fits = both & (np.abs(measured - z) < FIT_M)
    return bool(both.sum() >= MIN_INLIERS and fits.sum() > MIN_FIT_SHARE * both.sum())


def _unit(descriptor: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    unit: Float32[np.ndarray, "n d"] = descriptor / np.maximum(
        np.linalg.norm(descriptor, axis=1, keepdims=True), 1e-6
    )
    return unit


def bridge_lost(
    world_from_camera: Float[np.ndarray, "t 4 4"], is_lost: Bool[np.ndarray, " t"]
) -> Float[np.ndarray, "t 4 4"]:
    """Camera path with lost frames between two trusted ones interpolated; at an end they are left alone."""
    known = np.flatnonzero(~is_lost)
    path = world_from_camera.copy()
    lost = np.flatnonzero(is_lost)
    lost = lost[(lost > known[0]) & (lost < known[-1])] if len(known) else lost[:0]
    if len(lost):
        turns = Slerp(known, Rotation.from_matrix(path[known, :3, :3]))
        path[lost, :3, :3] = turns(lost).as_matrix()
        for axis in range(3):
            path[lost, axis, 3] = np.interp(lost, known, path[known, axis, 3])
    return path
