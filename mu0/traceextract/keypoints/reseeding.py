"""New points where moving things have lost theirs, for clips without depth.

A point of a clip without depth dies where it is hidden, turns away or blurs (`pixel_lives`). Several times a
second every patch that moves is asked whether a living, moving point is in it; where none is, points are
chosen as at a query frame, followed like all others, and belong to the entity of the nearest point alive.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import (
    AbstractPointTracker,
    Footage,
    Keypoints,
    PixelTracks,
    Reconstruction,
)
from mu0.traceextract.keypoints.coverage import GRID, covered_patches
from mu0.traceextract.keypoints.placement import choose_helpers, query_frames
from mu0.traceextract.pixels.assembly_2d import Judged, PixelSettings, judge

RESEED_EVERY_S = 0.3
POINTS_SHARE = 1.3  # new points per frame over points per query frame, if nothing that moves is covered


def reseed(
    footage: Footage,
    reconstruction: Reconstruction,
    keypoints: Keypoints,
    tracks: PixelTracks,
    params: ExtractParams,
    tracker: AbstractPointTracker,
    core: slice = slice(None),
) -> tuple[Keypoints, PixelTracks]:
    """All points and tracks, the new ones last; nothing changes with depth.

    Args:
        footage: Frames in memory.
        reconstruction: Without depth.
        keypoints: Points so far.
        tracks: Theirs.
        params: Budget.
        tracker: Follows the new points.
        core: Frames that may get points.
    """
    if reconstruction.is_3d or len(keypoints.frame) == 0:
        return keypoints, tracks
    inside = np.arange(len(footage.frames))[core]
    frames = inside[0] + query_frames(len(inside), footage.fps_hz, RESEED_EVERY_S)
    judged = judge(tracks, keypoints, footage.grey, PixelSettings(params.movement_share))
    covered = _covered(judged, frames, footage.image_size_px)
    n_queries = len(query_frames(len(inside), footage.fps_hz, params.query_every_s))
    is_small = footage.image_size_px[0] <= params.small_width_px
    budget = params.n_keypoints if is_small else 2 * params.n_keypoints
    n_new = round(POINTS_SHARE * budget * len(frames) / n_queries)
    new = choose_helpers(footage, reconstruction, frames, n_new, covered)
    if len(new.frame) == 0:
        return keypoints, tracks
    entity = _nearest_entity(new, keypoints, judged)
    new = Keypoints(new.frame, new.pixel, entity, new.on_mover)
    return keypoints.joined(new), tracks.beside(tracker.track(footage, reconstruction, new))


def _covered(
    judged: Judged, frames: Int[np.ndarray, " s"], size_px: tuple[int, int]
) -> Bool[np.ndarray, "s rows columns"]:
    """Patches with a living point that moves."""
    covered = np.zeros((len(frames), GRID, GRID), bool)
    goes = judged.is_moving & ~judged.is_stray
    for index, frame in enumerate(frames):
        pixel = judged.tracks.pixel[frame].astype(np.float64)
        alive = judged.tracks.is_seen[frame] & goes
        covered[index] = covered_patches(pixel, alive, size_px, (GRID, GRID), with_neighbours=False)
    return covered


def _nearest_entity(new: Keypoints, old: Keypoints, judged: Judged) -> Int[np.ndarray, " n"]:
    """The entity of the nearest old point alive in the same frame; of any where none is alive."""
    found = np.empty(len(new.frame), int)
    for index, (frame, pixel) in enumerate(zip(new.frame, new.pixel, strict=True)):
        alive = judged.tracks.lives[frame]
        found[index] = old.entity[_nearest(judged.tracks.pixel[frame], pixel, alive)]
    return found


def _nearest(
    places: Float[np.ndarray, "n 2"], pixel: Float[np.ndarray, " 2"], asked: Bool[np.ndarray, " n"]
) -> int:
    far = np.linalg.norm(places - pixel, axis=-1)
    return int(np.where(asked, far, far + 1e6).argmin())
