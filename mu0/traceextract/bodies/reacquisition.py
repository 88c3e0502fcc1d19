"""From broken pixel tracks to whole world tracks: every point rides on the body that explains it best.

A point that is hidden, or that the tracker lost, is still where its rigid body carries it. For each point all
bodies, and the still world, are asked

    agreement     where the point was measured, does this motion put it there?
    see-through   does it claim places that the depth camera saw through? Then it cannot be true.

The best answer gives the position in all frames; the point is visible where the measured depth agrees with
it. Points that nobody explains get a second chance around the frame in which they were chosen (`local_ride`);
those left over (cloth, fingers, wrong tracks) keep their own measurements, interpolated.

Sources
    Rigid re-acquisition and its gain in recall: reference/perception.md §6.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation, Slerp

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.carrying import RideSettings, carried_by, measured_minus_predicted
from mu0.traceextract.bodies.local_ride import ride_locally
from mu0.traceextract.bodies.rigid_groups import Body
from mu0.traceextract.tracking.confidence import confidence, situations
from mu0.traceextract.tracking.world_tracks import LOOSE, STILL, fill_gaps


@dataclass(frozen=True)
class WholeTracks:
    """Every point in every frame; `rides_on` is LOOSE, STILL or 1 + the number of a body.

    `is_measured` where a measurement agrees with the final position; `confidence`, `situation` and
    `evidence` as in `mu0.traceextract.tracking.confidence`.
    """

    points_world: Float[np.ndarray, "t n 3"]
    visible: Bool[np.ndarray, "t n"]
    confidence: Float[np.ndarray, "t n"]
    rides_on: Int[np.ndarray, " n"]
    is_measured: Bool[np.ndarray, "t n"]
    situation: Int[np.ndarray, "t n"]
    evidence: Int[np.ndarray, "t n"]


def bridge_gaps(body: Body) -> Body:
    """Interpolate the poses of unknown frames between known ones; hold the first and the last."""
    known = np.flatnonzero(body.is_known)
    frames = np.arange(len(body.is_known)).clip(known[0], known[-1])
    pose = body.world_from_body.copy()
    if len(known) > 1:
        rotations = Rotation.from_matrix(body.world_from_body[known, :3, :3])
        pose[:, :3, :3] = Slerp(known, rotations)(frames).as_matrix()
        for axis in range(3):
            pose[:, axis, 3] = np.interp(frames, known, body.world_from_body[known, axis, 3])
    else:
        pose[:] = body.world_from_body[known[0]]
    return Body(pose, body.is_known)


def ride_bodies(
    world: Float[np.ndarray, "t n 3"],
    is_seen: Bool[np.ndarray, "t n"],
    bodies: list[Body],
    reconstruction: Reconstruction,
    settings: RideSettings,
    query_frame: Int[np.ndarray, " n"] | None = None,
) -> WholeTracks:
    """Complete tracks and visibility; see the module text. Every point must be seen at least once.

    If it is told when each point was chosen (and measured), a body must put it there at that time: a track
    that began on the table and went over to the box tells of the box, but the point is the table's.
    """
    n_frames, n_points = is_seen.shape
    still = Body(np.tile(np.eye(4), (n_frames, 1, 1)), np.ones(n_frames, bool))
    riders = [still, *(bridge_gaps(body) for body in bodies)]
    best = np.full(n_points, -np.inf)
    rides_on = np.full(n_points, LOOSE)
    position = fill_gaps(world, is_seen)
    gap = measured_minus_predicted(position, reconstruction)
    for number, body in enumerate(riders):
        carried = carried_by(body, world, is_seen, reconstruction, settings)
        share = carried.seen_through
        score = carried.agreement - settings.see_through_cost * share
        explains = (carried.agreement >= settings.min_agreement) & (share < settings.max_see_through)
        if number > STILL and query_frame is not None:
            chosen = query_frame, np.arange(n_points)
            chosen_m = np.linalg.norm(carried.position[chosen] - world[chosen], axis=-1)
            at_home = chosen_m < settings.home_inliers * settings.inlier_m
            explains &= at_home | ~body.is_known[query_frame]
        if number == STILL:
            is_trusted = share < settings.trusted_see_through
            explains |= is_trusted & (carried.looked.mean(0) > settings.trusted_look)
        better = explains & (score > best + 1e-9)
        best[better], rides_on[better] = score[better], number
        position[:, better], gap[:, better] = carried.position[:, better], carried.gap_m[:, better]
    is_doubtful = rides_on == LOOSE
    loose = np.flatnonzero(is_doubtful)
    if query_frame is not None and len(loose) and bodies:
        asked = world[:, loose], is_seen[:, loose], riders[1:], reconstruction, settings, query_frame[loose]
        index, local_position, local_gap = ride_locally(*asked)
        found = index >= 0
        rides_on[loose[found]] = STILL + 1 + index[found]
        position[:, loose[found]], gap[:, loose[found]] = local_position[:, found], local_gap[:, found]
    known = np.stack([np.ones(n_frames, bool), still.is_known, *(body.is_known for body in bodies)], 1)
    return _finish(
        world, is_seen, (position, gap), rides_on, is_doubtful, known[:, rides_on - LOOSE], settings
    )


def _finish(
    world: Float[np.ndarray, "t n 3"],
    is_seen: Bool[np.ndarray, "t n"],
    ridden: tuple[Float[np.ndarray, "t n 3"], Float[np.ndarray, "t n"]],
    rides_on: Int[np.ndarray, " n"],
    is_doubtful: Bool[np.ndarray, " n"],
    pose_known: Bool[np.ndarray, "t n"],
    settings: RideSettings,
) -> WholeTracks:
    """Visibility, confidence, and measurements blended into the positions of moving points.

    Points that are `is_doubtful` are trusted as those that nothing carries: a body explains a part of their
    measurements only, and half to nine tenths of their positions were right where that was measured.
    """
    position, gap = ridden
    with np.errstate(invalid="ignore"):
        agrees = is_seen & (np.linalg.norm(position - world, axis=-1) < settings.inlier_m)
        depth_agrees = np.abs(gap) < settings.depth_margin_m
    rides = rides_on >= STILL
    visible = np.where(rides, depth_agrees | agrees, is_seen)
    blend = np.where(agrees & (rides_on > STILL), settings.measured_weight, 0.0)[..., None]
    blended = position * (1 - blend) + np.where(agrees[..., None], world, 0) * blend
    is_carried = (rides_on > STILL) & ~is_doubtful
    situation, evidence = situations(is_carried, rides_on == STILL, agrees, visible, pose_known)
    trust = confidence(situation, evidence)
    return WholeTracks(blended, visible, trust, rides_on, agrees, situation, evidence)
