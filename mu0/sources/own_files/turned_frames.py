"""Frames that a phone stored lying and marked by EXIF as upright: the camera, poses and depth turn with them.

OpenCV turns pictures as their EXIF says. A camera file describes the stored pictures, or the upright ones;
where it tells no size, its principal point decides: it lies nearer to the centre of the right one. Depth is
turned where it has the stored pictures' shape.

Conventions
    D    the exchange of axes from the stored camera to the upright one: p_upright = D p_stored
    K    K_upright = M K_stored D^T, where M moves pixels as the pictures are turned
    EXIF orientation 1 to 8 (CIPA DC-008, 4.6.4): 6 is a phone held upright; those with a mirror are rare
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, Shaped, UInt8
from PIL import Image, UnidentifiedImageError

from mu0.errors import SourceError
from mu0.sources.containers.upright import Pose, turn
from mu0.sources.dataset_clip import RecordedCamera

ORIENTATION_TAG = 0x0112
UPRIGHT = Pose(swaps=False, mirrors_x=False, mirrors_y=False)
POSES = {
    2: Pose(swaps=False, mirrors_x=True, mirrors_y=False),
    3: Pose(swaps=False, mirrors_x=True, mirrors_y=True),
    4: Pose(swaps=False, mirrors_x=False, mirrors_y=True),
    5: Pose(swaps=True, mirrors_x=False, mirrors_y=False),
    6: Pose(swaps=True, mirrors_x=True, mirrors_y=False),
    7: Pose(swaps=True, mirrors_x=True, mirrors_y=True),
    8: Pose(swaps=True, mirrors_x=False, mirrors_y=True),
}


@dataclass(frozen=True)
class Turning:
    """How the pictures of a folder are turned; `stored_px` is their (height, width) on disk."""

    pose: Pose
    stored_px: tuple[int, int]

    @property
    def is_turned(self) -> bool:
        """Whether the pictures are shown in another way than they are stored."""
        return self.pose != UPRIGHT

    @property
    def is_mirrored(self) -> bool:
        """Whether they are mirrored, so that no camera can have moved from one to the other."""
        return bool(np.linalg.det(self._axes()) < 0)

    @property
    def shown_px(self) -> tuple[int, int]:
        """(height, width) of the upright pictures."""
        height_px, width_px = self.stored_px
        return (width_px, height_px) if self.pose.swaps else (height_px, width_px)

    def of_upright(self, intrinsics: Float[np.ndarray, "3 3"]) -> bool:
        """Whether intrinsics seem to describe the upright pictures already."""
        upright, stored = (_off_centre(intrinsics, size) for size in (self.shown_px, self.stored_px))
        return upright < stored

    def intrinsics(self, intrinsics: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
        """The camera matrix of the upright pictures, from that of the stored ones."""
        axes = self._axes()
        height_px, width_px = self.shown_px
        move = axes.copy()
        move[0, 2] = width_px - 1 if self.pose.mirrors_x else 0
        move[1, 2] = height_px - 1 if self.pose.mirrors_y else 0
        return move @ intrinsics @ axes.T

    def poses(self, camera_from_world: Float[np.ndarray, "t 4 4"]) -> Float[np.ndarray, "t 4 4"]:
        """The poses of the upright camera, from those of the stored one; not for mirrored pictures."""
        axes = np.eye(4)
        axes[:3, :3] = self._axes()
        return axes @ camera_from_world

    def depth(self, depth_m: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h2 w2"]:
        """A depth image beside the upright pictures; one of another shape than the stored ones stays."""
        is_lying = self.is_turned and depth_m.shape == self.stored_px
        return np.ascontiguousarray(turn(depth_m, self.pose)) if is_lying else depth_m

    def camera(
        self, intrinsics: Float[np.ndarray, "3 3"] | None, poses: Float[np.ndarray, "t 4 4"] | None
    ) -> tuple[RecordedCamera, str]:
        """The camera of the upright pictures from what a folder says about its camera, and what to tell."""
        if not self.is_turned:
            return RecordedCamera(intrinsics, poses), ""
        told = "the pictures were turned as their EXIF says"
        if intrinsics is None:
            return RecordedCamera(None, poses), told
        if self.of_upright(intrinsics):
            return RecordedCamera(intrinsics, poses), f"{told}; the camera is that of the upright pictures"
        told = f"{told}, and the camera with them"
        if poses is not None and self.is_mirrored:
            return RecordedCamera(self.intrinsics(intrinsics)), f"{told}; its poses cannot be mirrored"
        turned = None if poses is None else self.poses(poses)
        return RecordedCamera(self.intrinsics(intrinsics), turned), told

    def _axes(self) -> Float[np.ndarray, "3 3"]:
        x, y = (-1.0 if mirrors else 1.0 for mirrors in (self.pose.mirrors_x, self.pose.mirrors_y))
        rows = [[0.0, x, 0.0], [y, 0.0, 0.0]] if self.pose.swaps else [[x, 0.0, 0.0], [0.0, y, 0.0]]
        return np.array([*rows, [0.0, 0.0, 1.0]])


def turning_of(frames: Sequence[Path], *, all_alike: bool) -> Turning:
    """How the pictures are turned when they are decoded.

    Args:
        frames: The pictures.
        all_alike: All must be turned alike, for a camera, poses or depth go with them.

    Raises:
        SourceError: They are not.
    """
    content = np.frombuffer(frames[0].read_bytes(), np.uint8)
    shown, stored = (
        cv2.imdecode(content, flags) if content.size else None
        for flags in (cv2.IMREAD_COLOR, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    )
    if shown is None or stored is None:
        return Turning(UPRIGHT, (0, 0))  # what cannot be read is told when it is decoded
    told = _orientation(frames[0])
    pose = POSES.get(told, UPRIGHT)
    if not _is_turned_so(stored, shown, pose):
        pose = UPRIGHT  # OpenCV does not turn pictures of this format
    if all_alike and (odd := next((path for path in frames if _orientation(path) != told), None)):
        raise SourceError(
            f"{odd} is turned by EXIF orientation {_orientation(odd)}, {frames[0].name} by {told}.",
            expected="pictures that are turned alike, where a camera, poses or depth go with them",
            remedy="split the folder where the camera was turned.",
        )
    return Turning(pose, (stored.shape[0], stored.shape[1]))


def _is_turned_so(stored: UInt8[np.ndarray, "h w 3"], shown: Shaped[np.ndarray, "..."], pose: Pose) -> bool:
    return np.array_equal(turn(stored, pose), shown)


def _orientation(path: Path) -> int:
    """The EXIF orientation of a picture, 1 where it tells none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about damaged EXIF, of which nothing is used then
            with Image.open(path) as picture:
                found = picture.getexif().get(ORIENTATION_TAG, 1)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, TypeError, LookupError):
        return 1
    return found if isinstance(found, int) and found in POSES else 1


def _off_centre(intrinsics: Float[np.ndarray, "3 3"], size_px: tuple[int, int]) -> float:
    """How far the principal point is from the picture's centre [px]."""
    centre_px = np.array([size_px[1] - 1, size_px[0] - 1]) / 2
    return float(np.hypot(*(intrinsics[:2, 2] - centre_px)))
