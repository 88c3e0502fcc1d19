"""Which camera a clip has: from the data, from a calibration file, assumed because asked for, or unknown.

A calibration file (`calibration:` of a source in params.yaml) is JSON (spellings: `mu0.sources.camera_keys`):

    {"fx": 610.0, "fy": 610.0, "cx": 319.5, "cy": 239.5,   or "K": 3 x 3, pixel centres at integers
     "width_px": 640, "height_px": 480,            optional; intrinsics are scaled to the clip's size
     "camera_from_base": 4 x 4,                    optional: a camera fixed beside the robot
     "hand_eye": 4 x 4}                            optional: a camera on the hand, camera_from_gripper

or one such object per camera of the dataset, {"observation.images.top": {...}, ...}.

Each camera carries where it comes from ("data", "calibration", "assumed_fov", "none"); the data go first.
With `camera_from_base` the world of the clip's poses is the robot's base.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from mu0.errors import SourceError
from mu0.params.raw_videos import FolderSource
from mu0.sources.camera_keys import CameraKeys, listed
from mu0.text_files import load_json

MAX_ASPECT_CHANGE = 0.01
CameraOrigin = Literal["data", "calibration", "assumed_fov", "none"]


@dataclass(frozen=True)
class Calibration:
    """The content of a calibration file; None where it says nothing."""

    intrinsics: Float[np.ndarray, "3 3"] | None = None
    size_px: tuple[int, int] | None = None
    camera_from_base: Float[np.ndarray, "4 4"] | None = None
    camera_from_gripper: Float[np.ndarray, "4 4"] | None = None
    depth_units_per_m: float | None = None
    note: str = ""

    def intrinsics_for(self, size_px: tuple[int, int], name: str) -> Float[np.ndarray, "3 3"] | None:
        """The intrinsics for frames of this size (height, width); `name` is the file's, for messages.

        Raises:
            SourceError: The file was measured on pictures of another shape.
        """
        if self.intrinsics is None or self.size_px is None or self.size_px == size_px:
            return self.intrinsics
        aspect = self.size_px[1] / self.size_px[0], size_px[1] / size_px[0]
        if abs(aspect[0] / aspect[1] - 1) > MAX_ASPECT_CHANGE:
            raise SourceError(
                f"{name} was measured on {self.size_px[0]} x {self.size_px[1]} images, but the frames have "
                f"{size_px[0]} x {size_px[1]} pixels (height x width).",
                expected="the same shape of picture; another shape means that the picture was cropped",
                remedy="calibrate at the recording's own size.",
            )
        return resized_intrinsics(self.intrinsics, self.size_px, size_px)

    def fixed_poses(self, n_frames: int) -> Float[np.ndarray, "t 4 4"] | None:
        """The poses of a camera that stands still beside the robot; the world is the robot's base."""
        return None if self.camera_from_base is None else np.tile(self.camera_from_base, (n_frames, 1, 1))


@dataclass(frozen=True)
class ResolvedCamera:
    """The camera of one clip, and the origin of each part of it."""

    intrinsics: Float[np.ndarray, "3 3"] | None
    intrinsics_source: CameraOrigin
    camera_from_base: Float[np.ndarray, "4 4"] | None
    camera_from_gripper: Float[np.ndarray, "4 4"] | None
    hand_eye_source: CameraOrigin
    note: str = ""


def resolve_camera(
    params: FolderSource,
    size_px: tuple[int, int],
    intrinsics: Float[np.ndarray, "3 3"] | None = None,
    camera_from_base: Float[np.ndarray, "4 4"] | None = None,
) -> ResolvedCamera:
    """Decide on the camera of a clip.

    Args:
        params: The source's section: its calibration file and the field of view to assume.
        size_px: (height, width) of the upright frames.
        intrinsics: What the data say, for this size.
        camera_from_base: What the data say about a fixed camera.

    Raises:
        SourceError: The calibration file is missing, damaged, or of another aspect ratio.
    """
    camera = getattr(params, "camera", None)
    file = read_calibration(Path(params.calibration), camera) if params.calibration else Calibration()
    origin: CameraOrigin = "data" if intrinsics is not None else "none"
    if intrinsics is None and file.intrinsics is not None:
        intrinsics, origin = file.intrinsics_for(size_px, str(params.calibration)), "calibration"
    if intrinsics is None and params.assumed_fov_deg is not None:
        intrinsics, origin = assumed_intrinsics(size_px, params.assumed_fov_deg), "assumed_fov"
    hand_eye: CameraOrigin = "data" if camera_from_base is not None else "none"
    if camera_from_base is None:
        camera_from_base = file.camera_from_base
        known = camera_from_base is not None or file.camera_from_gripper is not None
        hand_eye = "calibration" if known else "none"
    return ResolvedCamera(intrinsics, origin, camera_from_base, file.camera_from_gripper, hand_eye, file.note)


def assumed_intrinsics(size_px: tuple[int, int], fov_deg: float) -> Float[np.ndarray, "3 3"]:
    """Square pixels and a centred axis, with this horizontal field of view; size is (height, width)."""
    height_px, width_px = size_px
    focal_px = width_px / (2 * math.tan(math.radians(fov_deg) / 2))
    return np.array(
        [[focal_px, 0, (width_px - 1) / 2], [0, focal_px, (height_px - 1) / 2], [0, 0, 1]], np.float64
    )


def resized_intrinsics(
    intrinsics: Float[np.ndarray, "3 3"], from_size_px: tuple[int, int], to_size_px: tuple[int, int]
) -> Float[np.ndarray, "3 3"]:
    """Intrinsics after resizing the whole image; sizes are (height, width), pixel centres are integers."""
    scale_y, scale_x = (to / of for to, of in zip(to_size_px, from_size_px, strict=True))
    resize = np.array(
        [[scale_x, 0, (scale_x - 1) / 2], [0, scale_y, (scale_y - 1) / 2], [0, 0, 1]], np.float64
    )
    return resize @ intrinsics


def read_calibration(path: Path, camera: str | None = None) -> Calibration:
    """Read a calibration file, or the part of it that is about `camera`.

    Raises:
        SourceError: It is missing, not JSON, or holds something else than a camera.
    """
    try:
        content: dict[str, Any] = load_json(path)
        if camera is not None:
            if camera not in content and content and all(isinstance(part, dict) for part in content.values()):
                return Calibration(note=f"{path.name} has no camera {camera}, but {listed(sorted(content))}")
            content = content.get(camera, content)
        return _from_keys(path, CameraKeys(content))
    except FileNotFoundError:
        raise SourceError(
            f"The calibration file {path} is missing.",
            expected="a JSON file with fx, fy, cx, cy",
            remedy="correct `calibration` in params.yaml.",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{path} does not describe a camera: {error!r}.",
            expected='{"fx": 610, "fy": 610, "cx": 319.5, "cy": 239.5}; if known, camera_from_base (4 x 4)',
            remedy="correct the file.",
        ) from error


def _from_keys(path: Path, keys: CameraKeys) -> Calibration:
    found = Calibration(
        intrinsics=keys.intrinsics(),
        size_px=keys.size_px(),
        camera_from_base=_rigid(keys, "camera_from_base"),
        camera_from_gripper=_rigid(keys, "hand_eye"),
        depth_units_per_m=keys.depth_units_per_m(),
    )
    cameras = (found.intrinsics, found.camera_from_base, found.camera_from_gripper)
    if all(part is None for part in cameras):
        raise ValueError(f"no camera under its keys {listed(sorted(map(str, keys.content)))}")
    left = keys.unused()
    return replace(found, note=f"keys of {path.name} that were not used: {listed(left)}" if left else "")


def _rigid(keys: CameraKeys, name: str) -> Float[np.ndarray, "4 4"] | None:
    content = keys.find((name,))
    if content is None:
        return None
    matrix = np.asarray(content, np.float64).reshape(4, 4)
    rotation = matrix[:3, :3]
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-3) or np.linalg.det(rotation) < 0:
        raise ValueError(f"{name} is no rigid motion")
    return matrix
