"""How much of the table a cloth covers: the area of the union of its triangles, seen from above.

The plane is cut into lines some 3 mm apart. On each of them a triangle covers an interval, and the length
of the union of all intervals is exact. So the area is exact across the lines, and the midpoint rule along
them.
"""

import numpy as np
from jaxtyping import Float, Int

LINE_M = 0.003


def covered_area_m2(
    points_m: Float[np.ndarray, "n 2"], triangles: Int[np.ndarray, "m 3"], line_m: float = LINE_M
) -> float:
    """Area [m2] of the union of triangles; what lies twice counts once.

    Args:
        points_m: Corners, x and y.
        triangles: Three numbers of points each.
        line_m: Largest distance of the lines that are looked at.
    """
    start = points_m[triangles]
    low, high = start[..., 1].min(), start[..., 1].max()
    n_lines = max(1, int(np.ceil((high - low) / line_m)))
    spacing_m = (high - low) / n_lines
    lines = (low + (np.arange(n_lines) + 0.5) * spacing_m)[:, None, None]
    end = np.roll(start, -1, axis=1)
    is_crossed = (start[..., 1] <= lines) != (end[..., 1] <= lines)  # (lines, triangles, edges)
    rise = np.where(is_crossed, end[..., 1] - start[..., 1], 1.0)
    x = start[..., 0] + (lines - start[..., 1]) / rise * (end[..., 0] - start[..., 0])
    left = np.where(is_crossed, x, np.inf).min(axis=2)
    right = np.where(is_crossed, x, -np.inf).max(axis=2)
    order = np.argsort(left, axis=1)
    left, right = np.take_along_axis(left, order, axis=1), np.take_along_axis(right, order, axis=1)
    reached = np.maximum.accumulate(right, axis=1)
    new_from = np.maximum(left[:, 1:], reached[:, :-1])
    first = np.clip(right[:, 0] - left[:, 0], 0, None)
    new = np.clip(right[:, 1:] - new_from, 0, None).sum(axis=1)
    return float((first + new).sum() * spacing_m)
