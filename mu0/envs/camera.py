"""The simulator's pinhole cameras, independent of MuJoCo's own camera objects.

Conventions (docs/conventions.md)
    frame   OpenCV: x right, y down, z forward; poses are `camera_from_world` [m]
    pixels  integer coordinates are pixel centres, so the principal point is ((W - 1) / 2, (H - 1) / 2)

A camera is a value: moving it means making another one. Both renderers take their rays from here, which
is why a ray-cast depth and a GL depth agree pixel by pixel.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

WORLD_UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Camera:
    """Where a picture is taken from, and how large it is."""

    camera_from_world: Float[np.ndarray, "4 4"]
    width_px: int
    height_px: int
    focal_px: float

    @property
    def intrinsics(self) -> Float[np.ndarray, "3 3"]:
        """The matrix K [px]."""
        return np.array(
            [
                [self.focal_px, 0.0, (self.width_px - 1) / 2],
                [0.0, self.focal_px, (self.height_px - 1) / 2],
                [0.0, 0.0, 1.0],
            ]
        )

    def project(
        self, points_world: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, " n"]]:
        """Pixels (x, y) and depth [m] of world points; only those with depth > 0 lie before the camera."""
        points = points_world @ self.camera_from_world[:3, :3].T + self.camera_from_world[:3, 3]
        depth_m = points[:, 2]
        safe = np.where(np.abs(depth_m) < 1e-9, 1e-9, depth_m)
        centre = np.array([(self.width_px - 1) / 2, (self.height_px - 1) / 2])
        return points[:, :2] / safe[:, None] * self.focal_px + centre, depth_m


def focal_from_fov_px(vertical_fov_deg: float, height_px: int) -> float:
    """Focal length [px] of a picture of `height_px` rows that sees `vertical_fov_deg`."""
    return 0.5 * height_px / float(np.tan(np.deg2rad(vertical_fov_deg) / 2))


def look_at(
    eye: Float[np.ndarray, " 3"],
    target: Float[np.ndarray, " 3"],
    up: Float[np.ndarray, " 3"] = WORLD_UP,
) -> Float[np.ndarray, "4 4"]:
    """The `camera_from_world` of a camera at `eye` [m] with `target` in its centre and `up` pointing up."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = _cross(forward, up)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, _cross(forward, right), forward])
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -rotation @ eye
    return pose


def _cross(a: Float[np.ndarray, " 3"], b: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """What `numpy.cross` gives for two vectors, number for number, in a tenth of its time."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
