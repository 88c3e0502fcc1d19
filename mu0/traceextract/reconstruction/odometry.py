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

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from mu0.episodes.stream import FrameArray
from mu0.geometry.rigid import invert, nearest_rigid
from mu0.traceextract.reconstruction.camera_steps import anchor, angle_rad, estimate_step, towards
from mu0.traceextract.reconstruction.relocalization import Keyframes, bridge_lost

MIN_KEY_SHARE = 0.5  # of the samples that must still agree with the keyframe
MAX_KEY_FRAMES = 15
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
        step = estimate_step(self._grey[pair], self._depth_m[pair], self._intrinsics)
        self.residual_px[frame] = np.nan if step is None else step.residual_px
        self.inlier_share[frame] = 0.0 if step is None else step.inlier_share
        if self.is_lost[frame - 1] and self._recognise(frame):
            return
        motion = np.eye(4) if step is None else step.previous_from_current
        guess = invert(self.world_from_camera[self._key]) @ self.world_from_camera[frame - 1] @ motion
        anchored = None
        if not self.is_lost[frame - 1]:
            hope = guess @ self._velocity if step is None else guess
            anchored = anchor(self._grey[[self._key, frame]], self._depth_m[frame], self._intrinsics, hope)
        is_sound = step is not None and not _is_abrupt(self._velocity, step.previous_from_current)
        if self.is_lost[frame - 1] or (anchored is None and not is_sound):
            self._lose(frame, guess)
            return
        self._velocity = motion
        key_from_frame = guess if anchored is None else towards(guess, anchored.previous_from_current)
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


def _is_abrupt(before: Float[np.ndarray, "4 4"], velocity: Float[np.ndarray, "4 4"]) -> bool:
    """A change of velocity that no hand and no robot makes within one frame."""
    change = invert(before) @ velocity
    return bool(np.linalg.norm(change[:3, 3]) > MAX_CHANGE_M or angle_rad(change[:3, :3]) > MAX_CHANGE_RAD)


def _median(values: Float[np.ndarray, " n"]) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")
