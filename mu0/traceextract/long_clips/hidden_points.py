"""Points that were handed over hidden ride on with their entity, and are found again where depth shows them.

A hidden point has no picture to be tracked in, but the other points of its rigid body do. Their tracks give
the body's motion through the window (Kabsch, frame by frame, from the border on), and that carries the hidden
point. It counts as seen where the measured depth is where it should be; the next hand-over then makes it a
query like any other. If nobody of its body is left, it is lost.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.geometry.rigid import fit_rigid
from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.carrying import RideSettings
from mu0.traceextract.bodies.rigid_motion import move
from mu0.traceextract.keypoints.coverage import is_inside
from mu0.traceextract.long_clips.handover import Carried, Followed
from mu0.traceextract.tracking.displacement import displacement
from mu0.traceextract.tracking.lifting import project, sample_depth
from mu0.traceextract.tracking.world_tracks import STILL, WorldTracks

MIN_COMPANIONS = 4
SEEN, UNSEEN = 0.8, 0.5  # confidence


def ride_on(
    followed: Followed, hidden: Carried, reconstruction: Reconstruction, border: int, movement_m: float
) -> tuple[Followed, Bool[np.ndarray, " h"]]:
    """Add the hidden points whose body is still followed.

    Args:
        followed: The window's tracks.
        hidden: Points handed over hidden.
        reconstruction: Depth and cameras of the window.
        border: Frame of the window in which their places are known.
        movement_m: Movement threshold of the window.

    Returns:
        All tracks, the added ones last, and which of `hidden` were added.
    """
    found: list[tuple[np.ndarray, np.ndarray, int]] = []
    is_found = np.zeros(len(hidden), bool)
    for entity in np.unique(hidden.entity):
        companions, body = _companions(followed, int(entity))
        if len(companions) < MIN_COMPANIONS:
            continue
        which = np.flatnonzero(hidden.entity == entity)
        path = _path_of(followed, companions, border)
        found.append((which, move(path, hidden.world[which].astype(np.float64)[None]), body))
        is_found[which] = True
    if not found:
        return followed, is_found
    order = np.concatenate([which for which, _, _ in found])
    points = np.concatenate([path for _, path, _ in found], 1)
    bodies = np.concatenate([np.full(len(which), body) for which, _, body in found])
    return _added(followed, hidden[order], points, bodies, reconstruction, movement_m), is_found


def _companions(followed: Followed, entity: int) -> tuple[Int[np.ndarray, " k"], int]:
    """Tracks of an entity on the rigid body that carries most of them, and that body."""
    tracks = followed.tracks
    assert tracks.rides_on is not None
    members = np.flatnonzero((tracks.entity == entity) & (tracks.rides_on > STILL))
    if len(members) == 0:
        return members, STILL
    body = int(np.bincount(tracks.rides_on[members]).argmax())
    return members[tracks.rides_on[members] == body], body


def _path_of(
    followed: Followed, companions: Int[np.ndarray, " k"], border: int
) -> Float[np.ndarray, "t 4 4"]:
    """The motion of a body from the border to every frame."""
    assert followed.tracks.points_world is not None
    there = followed.tracks.points_world[:, companions].astype(np.float64)
    here = np.broadcast_to(there[border], there.shape)
    return fit_rigid(here, there, np.ones(there.shape[:2]))


def _known_with(tracks: WorldTracks, bodies: Int[np.ndarray, " h"]) -> Bool[np.ndarray, "t h"]:
    """When any track of the body that carries a point is known."""
    assert tracks.lives is not None
    assert tracks.rides_on is not None
    known = {body: tracks.lives[:, tracks.rides_on == body].any(axis=1) for body in np.unique(bodies)}
    return np.stack([known[body] for body in bodies], axis=1)


def _added(
    followed: Followed,
    hidden: Carried,
    points: Float[np.ndarray, "t h 3"],
    bodies: Int[np.ndarray, " h"],
    reconstruction: Reconstruction,
    movement_m: float,
) -> Followed:
    assert reconstruction.depth_m is not None
    tracks = followed.tracks
    assert tracks.points_world is not None
    assert tracks.keypoint is not None
    assert tracks.rides_on is not None
    pixel, z = project(points, reconstruction.intrinsics, reconstruction.camera_from_world)
    height, width = reconstruction.depth_m.shape[1:]
    inside = is_inside(pixel, (width, height))
    measured = sample_depth(reconstruction.depth_m[:], np.where(inside[..., None], pixel, np.nan))
    margin_m = RideSettings().depth_margin_m + reconstruction.pose_slack_m
    visible = inside & (measured > 0) & (np.abs(measured - z) < margin_m)
    is_moving = displacement(points, visible) > movement_m + reconstruction.pose_slack_m

    def joined(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.concatenate([old, new.astype(old.dtype)], axis=old.ndim - 1 if old.ndim < 3 else 1)

    more = replace(
        tracks,
        points_world=joined(tracks.points_world, points),
        uv_px=joined(tracks.uv_px, pixel),
        visible=joined(tracks.visible, visible),
        confidence=joined(tracks.confidence, np.where(visible, SEEN, UNSEEN)),
        query_frame=joined(tracks.query_frame, hidden.group),
        entity=joined(tracks.entity, hidden.entity),
        is_moving=joined(tracks.is_moving, is_moving),
        keypoint=joined(tracks.keypoint, np.full(len(hidden), -1)),
        rides_on=joined(tracks.rides_on, bodies),
        lives=None if tracks.lives is None else joined(tracks.lives, _known_with(tracks, bodies)),
        untrusted=None if tracks.untrusted is None else joined(tracks.untrusted, np.zeros(len(hidden), bool)),
        rests=None if tracks.rests is None else joined(tracks.rests, np.zeros(len(hidden), bool)),
    )
    return Followed(
        tracks=more,
        track_id=joined(followed.track_id, hidden.track_id),
        has_moved=joined(followed.has_moved, hidden.has_moved),
        is_hidden=joined(followed.is_hidden, np.ones(len(hidden), bool)),
    )
