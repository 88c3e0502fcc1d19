"""From broken pixel tracks to whole world tracks: every point rides on the body that explains it best.

A point that is hidden, or that the tracker lost, is still where its rigid body carries it. For each point all
bodies, and the still world, are asked

    agreement     where the point was measured, does this motion put it there?
    see-through   does it claim places that the depth camera saw through? Then it cannot be true.

The best answer gives the position in all frames; the point is visible where the measured depth agrees with
it. Points that nobody explains (cloth, fingers, wrong tracks) keep their own measurements, interpolated.

Sources
    Rigid re-acquisition and its gain in recall: reference/perception.md §6.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation, Slerp

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.rigid_groups import Body, agreement_with_body
from mu0.traceextract.bodies.rigid_motion import move
from mu0.traceextract.tracking.confidence import confidence, situations
from mu0.traceextract.tracking.lifting import project, sample_depth
from mu0.traceextract.tracking.world_tracks import LOOSE, STILL, fill_gaps


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
        place, agreement = agreement_with_body(
            world, is_seen, body.world_from_body, body.is_known, settings.inlier_m
        )
        predicted = move(body.world_from_body, np.broadcast_to(place, (n_frames, n_points, 3)))
        depth_gap = measured_minus_predicted(predicted, reconstruction)
        with np.errstate(invalid="ignore"):
            sees_through = (depth_gap > settings.see_through_m) & body.is_known[:, None]
        looked = np.isfinite(depth_gap) & body.is_known[:, None]
        share = sees_through.sum(0) / np.maximum(looked.sum(0), 1)
        overlap = (is_seen & body.is_known[:, None]).sum(0) / is_seen.sum(0)
        score = agreement * overlap - settings.see_through_cost * share
        explains = (agreement * overlap >= settings.min_agreement) & (share < settings.max_see_through)
        if number > STILL and query_frame is not None:
            chosen_m = np.linalg.norm(predicted - world, axis=-1)[query_frame, np.arange(n_points)]
            at_home = chosen_m < settings.home_inliers * settings.inlier_m
            explains &= at_home | ~body.is_known[query_frame]
        if number == STILL:
            explains |= (share < settings.trusted_see_through) & (looked.mean(0) > settings.trusted_look)
        better = explains & (score > best + 1e-9)
        best[better], rides_on[better] = score[better], number
        position[:, better], gap[:, better] = predicted[:, better], depth_gap[:, better]
    known = np.stack([np.ones(n_frames, bool), still.is_known, *(body.is_known for body in bodies)], 1)
    return _finish(world, is_seen, position, gap, rides_on, known[:, rides_on - LOOSE], settings)


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


def _finish(
    world: Float[np.ndarray, "t n 3"],
    is_seen: Bool[np.ndarray, "t n"],
    position: Float[np.ndarray, "t n 3"],
    gap: Float[np.ndarray, "t n"],
    rides_on: Int[np.ndarray, " n"],
    pose_known: Bool[np.ndarray, "t n"],
    settings: RideSettings,
) -> WholeTracks:
    """Visibility, confidence, and measurements blended into the positions of moving points."""
    with np.errstate(invalid="ignore"):
        agrees = is_seen & (np.linalg.norm(position - world, axis=-1) < settings.inlier_m)
        depth_agrees = np.abs(gap) < settings.depth_margin_m
    rides = rides_on >= STILL
    visible = np.where(rides, depth_agrees | agrees, is_seen)
    blend = np.where(agrees & (rides_on > STILL), settings.measured_weight, 0.0)[..., None]
    blended = position * (1 - blend) + np.where(agrees[..., None], world, 0) * blend
    situation, evidence = situations(rides_on > STILL, rides_on == STILL, agrees, visible, pose_known)
    trust = confidence(situation, evidence)
    return WholeTracks(blended, visible, trust, rides_on, agrees, situation, evidence)
