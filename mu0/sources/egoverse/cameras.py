"""EgoVerse's cameras: intrinsics from the episode's attributes, poses from the head's track.

    calibration.cameras.<camera>   K 3 x 3 or 3 x 4, resolution [width, height], model, rectified
    intrinsics.<camera>            K, in episodes from before `calibration`
    obs_head_pose (T, 7)           x y z qw qx qy qz of the front camera in the world [m]; x right, y down,
                                   z forward; values of 1e9 where tracking was lost

Source: github.com/GaTech-RL2/EgoVerse, CONTRIBUTING_DATA.md (6.2, 6.3, 7) and rldb/zarr/calibration.py.
"""

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from mu0.errors import SourceError
from mu0.geometry.rigid import from_parts, invert
from mu0.sources.calibration import resized_intrinsics

LOST = 1e8
MAX_ASPECT_CHANGE = 0.01
PINHOLE = "PINHOLE"


def read_intrinsics(
    name: str, attributes: dict[str, Any], camera: str, size_px: tuple[int, int]
) -> tuple[Float[np.ndarray, "3 3"] | None, str]:
    """Intrinsics for frames of `size_px` (height, width), or None, and a note on what was left out.

    Raises:
        SourceError: The attributes hold something else than a camera.
    """
    calibrated = (attributes.get("calibration") or {}).get("cameras", {}).get(camera)
    entry = calibrated or {"K": (attributes.get("intrinsics") or {}).get(camera)}
    if entry.get("K") is None:
        return None, ""
    if not entry.get("rectified", True) or (
        entry.get("model", PINHOLE) != PINHOLE and entry.get("distortion")
    ):
        return None, "intrinsics were left out: the frames are not rectified"
    try:
        intrinsics = np.asarray(entry["K"], np.float64)[:, :3]
        if intrinsics.shape != (3, 3):
            raise ValueError(f"K has shape {np.shape(entry['K'])}")  # noqa: TRY301 - told below
        width_px, height_px = entry.get("resolution") or size_px[::-1]
    except (ValueError, TypeError, IndexError) as error:
        raise SourceError(
            f"{name}: the calibration of camera {camera} cannot be read: {error}.",
            expected="K (3 x 4) and resolution [width, height]",
            remedy="download this episode's zarr.json again.",
        ) from error
    aspect = width_px / height_px / (size_px[1] / size_px[0])
    if abs(aspect - 1) > MAX_ASPECT_CHANGE:
        return None, f"intrinsics were left out: they belong to frames of {width_px} x {height_px} px"
    return resized_intrinsics(intrinsics, (height_px, width_px), size_px), ""


def poses_from_track(track: Float[np.ndarray, "t 7"]) -> tuple[Float[np.ndarray, "t 4 4"] | None, str]:
    """`camera_from_world` of each frame, or None where tracking was lost, and a note on that.

    Args:
        track: x y z [m] and the quaternion w x y z of the camera in the world.
    """
    norms = np.linalg.norm(track[:, 3:], axis=1)
    lost = ~np.isfinite(track).all(axis=1) | (np.abs(track) >= LOST).any(axis=1) | ~(norms > 0)
    if lost.any():
        return (
            None,
            f"camera poses were left out: tracking was lost in {int(lost.sum())} of {len(track)} frames",
        )
    rotation = Rotation.from_quat(np.roll(track[:, 3:], -1, axis=1)).as_matrix()  # SciPy writes x y z w
    return invert(from_parts(rotation, track[:, :3])), ""
