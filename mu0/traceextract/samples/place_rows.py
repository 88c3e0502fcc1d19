"""Which points an anchor keeps beside its official rows: some that rest, and those that are not trusted.

Resting points are tracks that rest in their whole life (`WorldTracks.rests`). At an anchor they must be seen,
in front of the camera and inside the image, be trusted there, and keep away from everything that moves: a
track beside a moving silhouette may slide with it. Of those that are left the farthest from each other are
kept, up to the budget; equal tracks give equal choices. Places on things that rest (`still_things`) come
after them, wherever they are seen and nothing moves beside them. Untrusted points (`WorldTracks.untrusted`)
are told wherever they are seen.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float32

from mu0.episodes.resting import PlaceKind, RestingRows, UntrustedRows, places_of_anchors
from mu0.geometry.camera import project
from mu0.geometry.rigid import apply
from mu0.traceextract.samples.farthest import farthest
from mu0.traceextract.samples.still_things import StillThings
from mu0.traceextract.tracking.world_tracks import WorldTracks

Chosen: TypeAlias = tuple[np.ndarray, ...]  # places, entities, numbers, confidence
MIN_CONFIDENCE = 0.8
AWAY_SHARE = 0.03  # of the image width: from points that move
MIN_DEPTH_M = 0.01


def resting_rows(
    tracks: WorldTracks,
    size_px: tuple[int, int],
    budget: int,
    anchors: Sequence[int],
    things: StillThings | None = None,
) -> RestingRows | None:
    """At most `budget` resting points for every anchor, and those on things; None if there are none.

    Args:
        tracks: All tracks of the clip, or of a window of it.
        size_px: Image height and width.
        budget: Points per anchor.
        anchors: Frames of `tracks` that get them.
        things: Places on things that rest, in the same frames.
    """
    chosen: list[Chosen] = []
    for anchor in anchors:
        place = places_at(tracks, anchor)
        kept = np.zeros(0, int)
        if tracks.rests is not None and budget > 0:
            asked = np.flatnonzero(_may_be_kept(tracks, place, size_px, anchor))
            kept = asked[farthest(place[asked, :2] / size_px[1], budget)]
        found: Chosen = (place[kept], tracks.entity[kept], kept, tracks.confidence[anchor, kept])
        if things is not None:
            beside = _on_things(tracks, place, things, size_px, anchor)
            found = tuple(np.concatenate(pair) for pair in zip(found, beside, strict=True))
        chosen.append(found)
    return _rows(RestingRows, anchors, chosen)


def untrusted_rows(
    tracks: WorldTracks, size_px: tuple[int, int], anchors: Sequence[int]
) -> UntrustedRows | None:
    """Where untrusted points are seen at some anchors (frames of `tracks`); None if they are nowhere."""
    if tracks.untrusted is None or not tracks.untrusted.any():
        return None
    chosen: list[Chosen] = []
    for anchor in anchors:
        place = places_at(tracks, anchor)
        shown = is_on_screen(place, size_px, is_3d=tracks.is_3d)
        kept = np.flatnonzero(tracks.untrusted & tracks.visible[anchor] & shown)
        chosen.append((place[kept], tracks.entity[kept], kept, tracks.confidence[anchor, kept]))
    return _rows(UntrustedRows, anchors, chosen)


def _rows(kind: type[PlaceKind], anchors: Sequence[int], chosen: list[Chosen]) -> PlaceKind | None:
    """What was chosen at every anchor as rows; None if it is nothing."""
    counts = [len(one[0]) for one in chosen]
    if sum(counts) == 0:
        return None
    places, entity, track, confidence = (np.concatenate(column) for column in zip(*chosen, strict=True))
    return places_of_anchors(kind, anchors, counts, (places, entity, track, confidence))


def _on_things(
    tracks: WorldTracks,
    place: Float32[np.ndarray, "n 3"],
    things: StillThings,
    size_px: tuple[int, int],
    anchor: int,
) -> Chosen:
    """Places on things that the anchor sees and beside which nothing moves."""
    seen = apply(tracks.camera_from_world[anchor], things.points_world)
    where = np.asarray(project(seen, tracks.intrinsics), np.float32)
    kept = np.flatnonzero(things.visible[anchor] & is_on_screen(where, size_px, is_3d=True))
    kept = kept[_away_from_movers(where[kept], tracks, place, size_px)]
    return where[kept], things.thing[kept], things.number[kept], things.confidence[kept]


def places_at(tracks: WorldTracks, anchor: int) -> Float32[np.ndarray, "n 3"]:
    """Where an anchor's camera sees all tracks in its own frame: (x px, y px, z m); z is 0 without depth."""
    if tracks.points_world is None:
        pixel = tracks.uv_px[anchor]
        return np.concatenate([pixel, np.zeros_like(pixel[:, :1])], 1).astype(np.float32)
    seen = apply(tracks.camera_from_world[anchor], tracks.points_world[anchor])
    return np.asarray(project(seen, tracks.intrinsics), np.float32)


def is_on_screen(
    place: Float32[np.ndarray, "n 3"], size_px: tuple[int, int], *, is_3d: bool
) -> Bool[np.ndarray, " n"]:
    """Finite, inside the image and, where there is depth, in front of the camera."""
    height_px, width_px = size_px
    x, y, z = place.T
    with np.errstate(invalid="ignore"):
        shown = (x >= 0) & (x <= width_px) & (y >= 0) & (y <= height_px) & np.isfinite(place).all(1)
        return shown & (z > MIN_DEPTH_M) if is_3d else shown


def _may_be_kept(
    tracks: WorldTracks, place: Float32[np.ndarray, "n 3"], size_px: tuple[int, int], anchor: int
) -> Bool[np.ndarray, " n"]:
    assert tracks.rests is not None
    shown = is_on_screen(place, size_px, is_3d=tracks.is_3d)
    asked = tracks.rests & tracks.visible[anchor] & (tracks.confidence[anchor] >= MIN_CONFIDENCE) & shown
    if tracks.lives is not None:
        asked &= tracks.lives[anchor]
    which = np.flatnonzero(asked)
    asked[which] = _away_from_movers(place[which], tracks, place, size_px)
    return asked


def _away_from_movers(
    asked: Float32[np.ndarray, "k 3"],
    tracks: WorldTracks,
    place: Float32[np.ndarray, "n 3"],
    size_px: tuple[int, int],
) -> Bool[np.ndarray, " k"]:
    """Which of the places `asked` lie in the picture far enough from all tracks that move (at `place`)."""
    movers = place[tracks.is_moving & is_on_screen(place, size_px, is_3d=tracks.is_3d), :2]
    away_px = np.linalg.norm(asked[:, None, :2] - movers[None], axis=-1).min(1, initial=np.inf)
    return away_px >= AWAY_SHARE * size_px[1]
