"""A calibrated camera: metres in the robot's base frame to uvz of its picture, and back."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mu0.geometry.camera import project, trace_from_uvz, unproject, uvz_from_trace
from mu0.geometry.rigid import apply, invert

NEAREST_M = 0.05


@dataclass(frozen=True)
class CalibratedView:
    """Where the camera stands (`camera_from_base`), its matrix [px] and the size of its picture."""

    camera_from_base: Float[np.ndarray, "4 4"]
    intrinsics: Float[np.ndarray, "3 3"]
    height_px: int
    width_px: int

    @property
    def eye_m(self) -> Float[np.ndarray, " 3"]:
        """The camera's centre, base frame."""
        return invert(self.camera_from_base)[:3, 3]

    def uvz(self, points_m: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Points of the base frame in the picture."""
        trace = project(apply(self.camera_from_base, points_m), self.intrinsics)
        return uvz_from_trace(trace, self.height_px, self.width_px)

    def base_m(self, uvz: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Inverse of `uvz` for what lies before the camera."""
        trace = trace_from_uvz(uvz, self.height_px, self.width_px)
        return apply(invert(self.camera_from_base), unproject(trace, self.intrinsics))

    def shows(self, points_m: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, " n"]:
        """Which points lie in the picture; what hides them is not asked."""
        uvz = self.uvz(points_m)
        return (np.abs(uvz[:, :2]) <= 1).all(axis=1) & (uvz[:, 2] > NEAREST_M)
