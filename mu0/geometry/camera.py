"""Pinhole cameras: metres to pixels and back, and the normalised image coordinates of the model.

Conventions (docs/conventions.md)
    camera frame  x right, y down, z forward (OpenCV); z is depth along the optical axis, not range
    trace         (x px, y px, z m): a pixel and its depth, in one camera
    uvz           u = 2 x / W - 1, v = 2 y / H - 1, z unchanged; the image is [-1, 1] x [-1, 1]

Source
    reference/traceextract.md §0, including the 1e-8 that keeps a division by zero depth finite.
"""

import math

import numpy as np
from jaxtyping import Float

DEPTH_GUARD_M = 1e-8


def project(
    points_camera: Float[np.ndarray, "*n 3"], intrinsics: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "*n 3"]:
    """Metres in the camera frame -> trace (x px, y px, z m).

    Args:
        points_camera: Points [m]. Those behind the camera get pixels too; look at z.
        intrinsics: Pinhole matrix [px].
    """
    x, y, z = np.moveaxis(points_camera, -1, 0)
    depth = z + points_camera.dtype.type(DEPTH_GUARD_M)
    k = intrinsics.astype(points_camera.dtype)
    x_px = (k[0, 0] * x + k[0, 1] * y) / depth + k[0, 2]
    y_px = k[1, 1] * y / depth + k[1, 2]
    return np.stack([x_px, y_px, z], axis=-1)


def unproject(
    trace: Float[np.ndarray, "*n 3"], intrinsics: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "*n 3"]:
    """Trace (x px, y px, z m) -> metres in the camera frame. Inverse of `project` for z > 0."""
    x_px, y_px, z = np.moveaxis(trace, -1, 0)
    k = intrinsics.astype(trace.dtype)
    y = (y_px - k[1, 2]) / k[1, 1] * z
    x = ((x_px - k[0, 2]) * z - k[0, 1] * y) / k[0, 0]
    return np.stack([x, y, z], axis=-1)


def uvz_from_trace(
    trace: Float[np.ndarray, "*n 3"], height_px: int, width_px: int
) -> Float[np.ndarray, "*n 3"]:
    """Trace (x px, y px, z m) -> uvz."""
    scale = np.array([2 / width_px, 2 / height_px, 1], dtype=trace.dtype)
    return trace * scale - np.array([1, 1, 0], dtype=trace.dtype)


def trace_from_uvz(
    uvz: Float[np.ndarray, "*n 3"], height_px: int, width_px: int
) -> Float[np.ndarray, "*n 3"]:
    """Return the trace (x px, y px, z m) of uvz. Inverse of `uvz_from_trace`."""
    scale = np.array([width_px / 2, height_px / 2, 1], dtype=uvz.dtype)
    return (uvz + np.array([1, 1, 0], dtype=uvz.dtype)) * scale


def intrinsics_from_fov(height_px: int, width_px: int, horizontal_fov_rad: float) -> Float[np.ndarray, "3 3"]:
    """Pinhole matrix [px] of square pixels with the principal point in the image centre."""
    focal_px = width_px / 2 / math.tan(horizontal_fov_rad / 2)
    return np.array([[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1]])


def scale_intrinsics(
    intrinsics: Float[np.ndarray, "3 3"], scale_x: float, scale_y: float
) -> Float[np.ndarray, "3 3"]:
    """Pinhole matrix after the image was resized (no half-pixel term, as the official format has it)."""
    return np.diag([scale_x, scale_y, 1.0]).astype(intrinsics.dtype) @ intrinsics
