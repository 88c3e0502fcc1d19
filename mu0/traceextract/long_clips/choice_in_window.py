"""Which points to follow in a window: everywhere in the first one, later only where nothing is followed yet.

In a later window points have been handed over; new ones are chosen only in the window's core and only where
no point that is seen covers the patch. A covered patch next to nothing new stays free for things that begin
to move: still points do not cover movers.

Source
    Coverage: reference/traceextract.md §2.9; a point outside the image covers nothing (§9 no. 14).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import (
    Footage,
    Keypoints,
    PatchFeatures,
    PixelTracks,
    Reconstruction,
)
from mu0.traceextract.keypoints.choice import budget_of, describe, helpers_between
from mu0.traceextract.keypoints.coverage import GRID, covered_patches, is_inside, patch_of
from mu0.traceextract.keypoints.entities import entities_of_patches
from mu0.traceextract.keypoints.placement import Covered, choose_keypoints, query_frames
from mu0.traceextract.long_clips.entity_numbers import Votes
from mu0.traceextract.long_clips.handover import Carried
from mu0.traceextract.long_clips.windows import Window
from mu0.traceextract.tracking.own_motion import flow_motion
from mu0.traceextract.tracking.witnesses import call_witnesses, moved_mask


@dataclass(frozen=True)
class Choice:
    """Points to follow in a window.

    Attributes:
        keypoints: New ones.
        helpers: Points that only serve to find rigid bodies.
        votes: Which entity the still points on a patch cluster belong to.
    """

    keypoints: Keypoints
    helpers: Keypoints
    votes: Votes


def choose_in_window(
    footage: Footage,
    reconstruction: Reconstruction,
    params: ExtractParams,
    window: Window,
    carried: Carried,
    followed: PixelTracks,
) -> Choice:
    """New points in the core of a window.

    Args:
        footage: Frames of the window.
        reconstruction: Depth and cameras of the window.
        params: Budget and rates.
        window: Its frames.
        carried: Points handed over.
        followed: Their pixels in the window.
    """
    core = query_frames(len(window.core), footage.fps_hz, params.query_every_s)
    frames = core + window.local_core.start
    features = describe(footage, reconstruction, params, frames)
    covered = _covered(carried, followed, frames, footage.image_size_px)
    keypoints = choose_keypoints(
        footage, reconstruction, features, budget_of(footage, params), params.seed, covered
    )
    votes = _votes(carried, followed, features, params, footage.image_size_px)
    return Choice(keypoints, helpers_between(footage, reconstruction, params, frames), votes)


def begins_to_move(
    footage: Footage, reconstruction: Reconstruction, carried: Carried, window: Window
) -> Bool[np.ndarray, " n"]:
    """Whether a point handed over is on something that moves in this window.

    Points that have moved are. Of the others those that lie on a moving surface in the first core frame are.
    """
    border = window.local_core.start
    on_mover = carried.has_moved.copy()
    asked = np.flatnonzero(~on_mover & (carried.frame == window.core.start))
    if len(asked) and reconstruction.is_3d:
        _, flow_moves = flow_motion(footage, reconstruction, border)
        mask = moved_mask(reconstruction, border, flow_moves, call_witnesses(reconstruction))
        column, row = np.rint(carried.pixel[asked]).astype(int).T
        on_mover[asked] = mask[row, column]
    return on_mover


def _covered(
    carried: Carried, followed: PixelTracks, frames: Int[np.ndarray, " s"], size_px: tuple[int, int]
) -> Covered:
    by_any = np.zeros((len(frames), GRID, GRID), bool)
    by_movers = np.zeros_like(by_any)
    for index, frame in enumerate(frames):
        pixel, is_seen = followed.pixel[frame], followed.is_seen[frame]
        by_any[index] = covered_patches(pixel, is_seen, size_px, (GRID, GRID))
        moved = is_seen & carried.has_moved
        by_movers[index] = covered_patches(pixel, moved, size_px, (GRID, GRID), with_neighbours=False)
    return Covered(by_any, by_movers)


def _votes(
    carried: Carried,
    followed: PixelTracks,
    features: PatchFeatures,
    params: ExtractParams,
    size_px: tuple[int, int],
) -> Votes:
    """(cluster, entity) for every still point handed over and every sampled frame in which it is seen."""
    clusters = entities_of_patches(features, params.n_entities, params.seed, params.clustering)
    n_rows, n_columns = clusters.shape[1:]
    votes: Votes = []
    for cluster, frame in zip(clusters, features.sampled_frames, strict=True):
        seen = followed.is_seen[frame] & ~carried.has_moved & is_inside(followed.pixel[frame], size_px)
        row, column = (patch_of(followed.pixel[frame, seen], size_px) * [n_rows, n_columns] // GRID).T
        votes += zip(cluster[row, column].tolist(), carried.entity[seen].tolist(), strict=True)
    return votes
