"""What one rigid motion says of points: where would it carry them, and do tracks and depth agree?

agreement     the share of a point's measurements that are where the motion puts it
seen_through  the share of looks at its places in which the depth camera saw something behind them
on_surface    the share of these looks in which it saw a surface right there
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.rigid_groups import Body, agreement_with_body
from mu0.traceextract.bodies.rigid_motion import move
from mu0.traceextract.tracking.lifting import project, sample_depth


@dataclass(frozen=True)
class RideSettings:
    """When a motion explains a point, and when a point counts as visible."""

    inlier_m: float = 0.010
    min_agreement: float = 0.7
    depth_margin_m: float = 0.012
    see_through_m: float = 0.025
    see_through_cost: float = 3.0
    max_see_through: float = 0.1
    trusted_see_through: float = 0.02  # so rarely seen through, and so often looked at, a place is still
    trusted_look: float = 0.5
    home_inliers: float = 2.0  # where a point was chosen it must lie that close to its body's prediction
    measured_weight: float = 0.5  # of a measurement beside its body's prediction


@dataclass(frozen=True)
class Carried:
    """Points as one body carries them. Shares are of frames in which the pose is known."""

    position: Float[np.ndarray, "t n 3"]
    gap_m: Float[np.ndarray, "t n"]  # measured depth behind the position; NaN where nobody looked
    looked: Bool[np.ndarray, "t n"]
    agreement: Float[np.ndarray, " n"]  # measurements while the pose is unknown count against it
    seen_through: Float[np.ndarray, " n"]
    on_surface: Float[np.ndarray, " n"]


def carried_by(
    body: Body,
    world: Float[np.ndarray, "t n 3"],
    used: Bool[np.ndarray, "t n"],
    reconstruction: Reconstruction,
    settings: RideSettings,
) -> Carried:
    """Every point in every frame as the body carries it.

    Args:
        body: With a pose in every frame.
        world: Measurements [m].
        used: Those that tell where on the body a point lies, and whether it goes with it.
        reconstruction: Depth and camera path.
        settings: Limits.
    """
    known = body.is_known[:, None]
    place, agreement = agreement_with_body(
        world, used, body.world_from_body, body.is_known, settings.inlier_m
    )
    position = move(body.world_from_body, np.broadcast_to(place, world.shape))
    gap_m = measured_minus_predicted(position, reconstruction)
    looked = np.isfinite(gap_m) & known
    n_looks = np.maximum(looked.sum(0), 1)
    with np.errstate(invalid="ignore"):
        seen_through = ((gap_m > settings.see_through_m) & known).sum(0) / n_looks
        on_surface = ((np.abs(gap_m) < settings.depth_margin_m) & known).sum(0) / n_looks
    overlap = (used & known).sum(0) / np.maximum(used.sum(0), 1)
    return Carried(position, gap_m, looked, agreement * overlap, seen_through, on_surface)


def measured_minus_predicted(
    points_world: Float[np.ndarray, "t n 3"], reconstruction: Reconstruction
) -> Float[np.ndarray, "t n"]:
    """How far behind a point the depth camera saw something [m]; NaN outside the image or without depth."""
    assert reconstruction.depth_m is not None
    pixel, z = project(points_world, reconstruction.intrinsics, reconstruction.camera_from_world)
    height, width = reconstruction.depth_m.shape[1:]
    with np.errstate(invalid="ignore"):
        inside = (pixel >= 0).all(-1) & (pixel[..., 0] <= width - 1) & (pixel[..., 1] <= height - 1)
    pixel = np.where(inside[..., None], pixel, np.nan)
    measured = sample_depth(reconstruction.depth_m, pixel)
    return np.where(inside & (measured > 0), measured - z, np.nan)
