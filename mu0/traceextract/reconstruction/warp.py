"""Where the pixels of one depth image are seen from another camera.

With K the intrinsics and R, t the motion, a pixel p at depth z goes to K R K^-1 p z + K t. The first factor
is linear in p, so rows and columns are added instead of multiplying a matrix with every pixel.
"""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Float32

Map: TypeAlias = Float32[np.ndarray, "h w"]


def warp_pixels(
    depth_m: Float[np.ndarray, "h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    goal_from_source: Float[np.ndarray, "4 4"],
    step_px: int = 1,
) -> tuple[Map, Map, Map]:
    """Pixel x, pixel y and depth [m] in the goal camera; not finite or meaningless where that depth is <= 0.

    Args:
        depth_m: Depth of the source's every `step_px`-th pixel.
        intrinsics: Camera matrix of both cameras at full size [px].
        goal_from_source: Rigid motion.
        step_px: Spacing of the depth image's pixels.
    """
    turn = (intrinsics @ goal_from_source[:3, :3] @ np.linalg.inv(intrinsics)).astype(np.float32)
    shift = (intrinsics @ goal_from_source[:3, 3]).astype(np.float32)
    rows, columns = depth_m.shape
    x = np.arange(columns, dtype=np.float32) * step_px
    y = np.arange(rows, dtype=np.float32) * step_px
    depth = depth_m.astype(np.float32, copy=False)
    u, v, z = (np.add.outer(turn[i, 1] * y + turn[i, 2], turn[i, 0] * x) * depth + shift[i] for i in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        return u / z, v / z, z


def warp_places(
    u: Map,
    v: Map,
    depth_m: Map,
    intrinsics: Float[np.ndarray, "3 3"],
    goal_from_source: Float[np.ndarray, "4 4"],
) -> tuple[Map, Map, Map]:
    """As `warp_pixels`, for places anywhere: at pixels (u, v) and depth [m] of the source camera."""
    turn = (intrinsics @ goal_from_source[:3, :3] @ np.linalg.inv(intrinsics)).astype(np.float32)
    shift = (intrinsics @ goal_from_source[:3, 3]).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y, z = ((turn[i, 0] * u + turn[i, 1] * v + turn[i, 2]) * depth_m + shift[i] for i in range(3))
        return x / z, y / z, z
