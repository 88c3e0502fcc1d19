"""Registering depth to the colour camera: where does each depth pixel appear in the colour image?

Each depth pixel is lifted to 3D with the depth camera's intrinsics, moved into the colour camera and
projected. Where several land on one pixel the nearest surface wins. A depth camera with a wider view than the
colour camera has too few pixels to fill it, so its image is enlarged first by repeating pixels (never by
averaging: between a cup and the wall behind it there is nothing).
"""

import itertools
import math

import numpy as np
from jaxtyping import Float, Float32


def register_depth(
    depth_m: Float[np.ndarray, "h w"],
    depth_intrinsics: Float[np.ndarray, "3 3"],
    colour_intrinsics: Float[np.ndarray, "3 3"],
    colour_from_depth: Float[np.ndarray, "4 4"],
    size_px: tuple[int, int],
) -> Float32[np.ndarray, "h2 w2"]:
    """Depth [m] as the colour camera would see it.

    Args:
        depth_m: Depth along z of the depth camera, 0 = missing.
        depth_intrinsics: Camera matrix of the depth camera [px].
        colour_intrinsics: Camera matrix of the colour camera [px].
        colour_from_depth: Rigid motion from the depth camera's to the colour camera's frame [m].
        size_px: Height and width of the colour image.

    Returns:
        Depth along z of the colour camera, 0 = missing.
    """
    height_px, width_px = size_px
    repeat = max(1, math.ceil(colour_intrinsics[0, 0] / depth_intrinsics[0, 0]))
    rows, columns = np.nonzero(depth_m > 0)
    z_m = depth_m[rows, columns].astype(np.float32)
    rotate = (colour_from_depth[:3, :3] @ np.linalg.inv(depth_intrinsics)).astype(np.float32)
    shift_m = colour_from_depth[:3, 3:].astype(np.float32)
    project = colour_intrinsics.astype(np.float32)
    nearest = np.full(height_px * width_px, np.inf, np.float32)
    offsets = ((np.arange(repeat) - (repeat - 1) / 2) / repeat).astype(np.float32)
    for dy, dx in itertools.product(offsets, offsets):
        ray = np.stack([columns + dx, rows + dy, np.ones_like(z_m)]).astype(np.float32)
        point = rotate @ (ray * z_m) + shift_m
        point = point[:, point[2] > 0]
        u, v = np.rint((project @ point)[:2] / point[2]).astype(np.int64)
        inside = (u >= 0) & (u < width_px) & (v >= 0) & (v < height_px)
        np.minimum.at(nearest, v[inside] * width_px + u[inside], point[2, inside])
    return np.where(np.isfinite(nearest), nearest, np.float32(0)).reshape(size_px)
