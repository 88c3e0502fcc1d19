"""Which tracks rest without doubt: these may be taught as points that stay.

A point that rides on the still world is not yet one that rests: a track that is hardly measured, that slides
within the limits of riding, or whose place was empty or covered by something else at times may belong to a
thing that moves. A resting point is measured often, nearly always where it should be, gets around by less
than what counts as motion, and no frame sees through its place.
"""

import numpy as np
from jaxtyping import Bool, Float

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.carrying import measured_minus_predicted
from mu0.traceextract.bodies.reacquisition import WholeTracks
from mu0.traceextract.tracking.displacement import displacement
from mu0.traceextract.tracking.world_tracks import STILL

MIN_MEASURED = 8  # frames
MIN_AGREEMENT = 0.9  # of the frames in which it was seen
MAX_SEE_THROUGH = 0.02  # of the frames in which its place is in view
SEE_THROUGH_M = 0.025


def find_resting(
    whole: WholeTracks,
    world: Float[np.ndarray, "t n 3"],
    is_seen: Bool[np.ndarray, "t n"],
    reconstruction: Reconstruction,
    movement_m: float,
) -> Bool[np.ndarray, " n"]:
    """Points that rest in every frame.

    Args:
        whole: All points.
        world: Their measurements; NaN where not seen.
        is_seen: Where `world` is a measurement.
        reconstruction: Depth and camera path.
        movement_m: A point that gets around by more, and by more than poses are wrong, moves.
    """
    n_seen = is_seen.sum(0)
    n_agreeing = whole.is_measured.sum(0)
    rests: Bool[np.ndarray, " n"] = (whole.rides_on == STILL) & (n_agreeing >= MIN_MEASURED)
    rests &= n_agreeing >= MIN_AGREEMENT * n_seen
    extent_m = displacement(np.where(is_seen[..., None], world, 0), is_seen)
    rests &= extent_m <= movement_m + reconstruction.pose_slack_m
    asked = np.flatnonzero(rests)
    gap = measured_minus_predicted(whole.points_world[:, asked], reconstruction)
    with np.errstate(invalid="ignore"):
        is_seen_through = gap > SEE_THROUGH_M + reconstruction.pose_slack_m
    n_looked = np.isfinite(gap).sum(0)
    rests[asked] = is_seen_through.sum(0) <= MAX_SEE_THROUGH * n_looked
    return rests
