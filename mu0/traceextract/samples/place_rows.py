"""Which points an anchor keeps beside its official rows: some that rest, and those that are not trusted.

Resting points are tracks that rest in their whole life (`WorldTracks.rests`). At an anchor they must be seen,
in front of the camera and inside the image, be trusted there, and keep away from everything that moves: a
track beside a moving silhouette may slide with it. Of those that are left the farthest from each other are
kept, up to the budget; equal tracks give equal choices. Untrusted points (`WorldTracks.untrusted`) are told
wherever they are seen.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int

from mu0.episodes.resting import PlaceKind, RestingRows, UntrustedRows, places_of_anchors
from mu0.geometry.camera import project
from mu0.geometry.rigid import apply
from mu0.traceextract.tracking.world_tracks import WorldTracks

MIN_CONFIDENCE = 0.8
AWAY_SHARE = 0.03  # of the image width: from points that move
MIN_DEPTH_M = 0.01


def resting_rows(
    tracks: WorldTracks, size_px: tuple[int, int], budget: int, anchors: Sequence[int]
) -> RestingRows | None:
    """At most `budget` resting points for every anchor; None if there are none.

    Args:
        tracks: All tracks of the clip, or of a window of it.
        size_px: Image height and width.
        budget: Points per anchor.
        anchors: Frames of `tracks` that get them.
    """
    if tracks.rests is None or budget <= 0 or not tracks.rests.any():
        return None
    chosen, places = [], []
    for anchor in anchors:
        place = places_at(tracks, anchor)
        asked = np.flatnonzero(_may_be_kept(tracks, place, size_px, anchor))
        kept = asked[farthest(place[asked, :2] / size_px[1], budget)]
        chosen.append(kept)
        places.append(place[kept])
    return _rows(RestingRows, tracks, anchors, chosen, places)


def untrusted_rows(
    tracks: WorldTracks, size_px: tuple[int, int], anchors: Sequence[int]
) -> UntrustedRows | None:
    """Where untrusted points are seen at some anchors (frames of `tracks`); None if they are nowhere."""
    if tracks.untrusted is None or not tracks.untrusted.any():
        return None
    chosen, places = [], []
    for anchor in anchors:
        place = places_at(tracks, anchor)
        shown = is_on_screen(place, size_px, is_3d=tracks.is_3d)
        chosen.append(np.flatnonzero(tracks.untrusted & tracks.visible[anchor] & shown))
        places.append(place[chosen[-1]])
    return _rows(UntrustedRows, tracks, anchors, chosen, places)


def _rows(
    kind: type[PlaceKind],
    tracks: WorldTracks,
    anchors: Sequence[int],
    chosen: list[Int[np.ndarray, " _k"]],
    places: list[Float32[np.ndarray, "_k 3"]],
) -> PlaceKind | None:
    """Chosen tracks of every anchor and where they are, as rows; None if there are none."""
    track = np.concatenate([np.zeros(0, int), *chosen])
    if len(track) == 0:
        return None
    counts = [len(kept) for kept in chosen]
    confidence = tracks.confidence[np.repeat(np.asarray(anchors, int), counts), track]
    columns = np.concatenate(places), tracks.entity[track], track, confidence
    return places_of_anchors(kind, anchors, counts, columns)


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
    movers = np.flatnonzero(tracks.is_moving & shown)
    which = np.flatnonzero(asked)
    if len(movers) and len(which):
        away = np.linalg.norm(place[which, None, :2] - place[None, movers, :2], axis=-1).min(1)
        asked[which] = away >= AWAY_SHARE * size_px[1]
    return asked


def farthest(points: Float32[np.ndarray, "n 2"], count: int) -> Int[np.ndarray, " k"]:
    """Indices of at most `count` points, each the farthest from those before it; in ascending order.

    Of points in the same place one is enough.
    """
    if len(points) <= count:
        return np.arange(len(points))
    apart = np.full(len(points), np.inf)
    chosen = [int(np.linalg.norm(points - points.mean(0), axis=1).argmax())]
    while len(chosen) < count:
        apart = np.minimum(apart, ((points - points[chosen[-1]]) ** 2).sum(1))
        if apart.max() <= 0:
            break
        chosen.append(int(apart.argmax()))
    return np.sort(np.array(chosen))
