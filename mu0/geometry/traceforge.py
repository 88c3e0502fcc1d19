"""TraceForge's geometry: a grid of points, one camera for all steps, and re-timing by speed.

TraceForge, the predecessor of TraceExtract, follows a 20 x 20 grid from every query frame forward. All steps
are looked at through the query frame's camera and re-timed together. Against `mu0.geometry.arc_length`:
pixels count as shares of the *last grid point* (W - 1, H - 1) rather than of the image, they are clipped to
[0, 1] before anything is measured, and all 400 points set the clock, so k = ceil(0.02 * 400) = 8.

Conventions
    trace   (x px, y px, z m) in the query frame's camera, or (x px, y px) where depth is unknown
    grid    row-major, y outer: point 20 * row + column

Source
    reference/traceextract.md §2.13 (no sizes given) and §7.
"""

import numpy as np
from jaxtyping import Float, Float32, Float64

from mu0.geometry.arc_length import (
    STEP,
    TOP_FRACTION,
    Retargeted,
    common_advance,
    equal_steps,
    lengths,
)
from mu0.geometry.camera import project
from mu0.geometry.rigid import apply

GRID_SIDE = 20
N_GRID_POINTS = GRID_SIDE**2


def grid_points(size_px: tuple[int, int], side: int = GRID_SIDE) -> Float32[np.ndarray, "n 2"]:
    """The uniform grid over the image, borders included: pixel centres 0 to W - 1 and 0 to H - 1.

    Args:
        size_px: Image height and width.
        side: Points per row and per column.
    """
    height_px, width_px = size_px
    x, y = np.linspace(0, width_px - 1, side), np.linspace(0, height_px - 1, side)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)


def through_camera(
    points_world: Float[np.ndarray, "t n 3"],
    camera_from_world: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, "n t 3"]:
    """All steps of world tracks through one camera.

    Args:
        points_world: Positions [m] at every frame.
        camera_from_world: The query frame's camera.
        intrinsics: Pinhole matrix [px].
    """
    return np.ascontiguousarray(project(apply(camera_from_world, points_world), intrinsics).swapaxes(0, 1))


def retarget_by_speed(
    trace: Float[np.ndarray, "n t d"],
    n_steps: int,
    *,
    step: float = STEP,
    top_fraction: float = TOP_FRACTION,
) -> Retargeted:
    """Sample all traces of a query frame at equal steps of their common path length, as TraceForge does.

    Args:
        trace: Traces of the whole grid; d is 2 or 3. The last row's first position gives the scales.
        n_steps: At most this many steps are returned.
        step: Path length between two steps.
        top_fraction: Share of the traces, the fastest in each frame, whose mean counts as path.

    Returns:
        Between 1 and `n_steps` steps, with pixels inside the grid (they were clipped).

    Raises:
        ExtractionError: A position is not finite.
    """
    assert trace.shape[2] in {2, 3}
    scale = np.ones(trace.shape[2])
    corner = trace[-1, 0, :2].astype(np.float64)
    scale[:2] = np.where(corner == 0, 1, corner)
    path: Float64[np.ndarray, "n t d"] = trace.astype(np.float64) / scale
    path[..., :2] = path[..., :2].clip(0, 1)
    if trace.shape[1] < 2:
        return Retargeted(path * scale, np.zeros(1))
    segment, share = equal_steps(common_advance(lengths(path), top_fraction), n_steps, step)
    start = path[:, segment]
    return Retargeted((start + share[:, None] * (path[:, segment + 1] - start)) * scale, segment + share)
