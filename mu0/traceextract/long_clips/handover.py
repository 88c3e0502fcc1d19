"""Points that go on from one window to the next, under the same number and with the same entity.

Neighbouring windows share frames: the look-ahead of the one and the look-back and first core frames of the
other. A point that is seen in any of them becomes a query of the next window, at the shared frame nearest to
the border where it is seen, so nothing is guessed about its motion. A point that has moved, is hidden in all
of them and rides on a rigid body is handed over as *hidden*, with its place in the world at the border: it
rides on with its entity and may be seen again. All others are lost.

Population is bounded, or every point ever chosen would be followed for ever: of the points that never moved
one per patch goes on, and of the movers at most a given number.

Source
    Progressive tracking: reference/traceextract.md §2.9; §9 no. 14 (border cells), 15 and 29.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int, Int32

from mu0.traceextract.backends.interfaces import Keypoints
from mu0.traceextract.keypoints.coverage import GRID, is_inside, patch_of
from mu0.traceextract.long_clips.windows import Window
from mu0.traceextract.tracking.world_tracks import STILL, WorldTracks


@dataclass(frozen=True)
class Followed:
    """The tracks of one window with their identity in the clip.

    Attributes:
        tracks: In the window's own frames; `entity` and `query_frame` are the clip's.
        track_id: Number of each track in the clip.
        has_moved: Tracks that moved in this window or an earlier one.
        is_hidden: Tracks that were handed over hidden.
    """

    tracks: WorldTracks
    track_id: Int32[np.ndarray, " n"]
    has_moved: Bool[np.ndarray, " n"]
    is_hidden: Bool[np.ndarray, " n"]


@dataclass(frozen=True)
class Carried:
    """Points handed over.

    Attributes:
        track_id: Number in the clip.
        entity: Number in the clip.
        group: Frame of the clip in which the point was chosen.
        has_moved: Whether it moved in an earlier window.
        frame: Frame of the clip in which it is a query; the border for hidden points.
        pixel: Where it is there [px]; NaN for hidden points.
        world: Where it is at the border [m]; NaN in 2-D clips.
        last_seen: Last frame of the clip in which it was seen.
    """

    track_id: Int32[np.ndarray, " n"]
    entity: Int32[np.ndarray, " n"]
    group: Int32[np.ndarray, " n"]
    has_moved: Bool[np.ndarray, " n"]
    frame: Int[np.ndarray, " n"]
    pixel: Float[np.ndarray, "n 2"]
    world: Float[np.ndarray, "n 3"]
    last_seen: Int[np.ndarray, " n"]

    def __getitem__(self, which: Bool[np.ndarray, " n"] | Int[np.ndarray, " k"]) -> "Carried":
        """The chosen ones."""
        return Carried(**{item.name: getattr(self, item.name)[which] for item in fields(self)})

    def __len__(self) -> int:
        return len(self.track_id)

    def queries(self, window: Window, on_mover: Bool[np.ndarray, " n"], entity: int) -> Keypoints:
        """As keypoints of a window; `entity` stands for all of them."""
        same = np.full(len(self), entity)
        return Keypoints(self.frame - window.start, self.pixel.astype(np.float64), same, on_mover)


@dataclass(frozen=True)
class Handover:
    """What becomes of the tracks of a window: they go on, hide, or end.

    Attributes:
        seen: Queries of the next window.
        hidden: Points that ride on unseen.
        lost: Points that are not followed any more because they are not seen.
        retired: Points that are not followed any more because others stand for them.
    """

    seen: Carried
    hidden: Carried
    lost: Carried
    retired: Carried


def hand_over(
    followed: Followed, window: Window, following: Window, size_px: tuple[int, int], max_movers: int
) -> Handover:
    """Decide which tracks of `window` go on in `following`; `size_px` is width and height."""
    everyone, is_seen = _at_the_border(followed, window, following, size_px)
    tracks = followed.tracks
    assert tracks.rides_on is not None
    rides = tracks.rides_on > STILL
    hides = ~is_seen & followed.has_moved & rides & ~followed.is_hidden & np.isfinite(everyone.world).all(1)
    goes_on = is_seen.copy()
    still = np.flatnonzero(is_seen & ~followed.has_moved)
    goes_on[still] = _one_per_patch(everyone.pixel[still], size_px)
    movers = np.flatnonzero(is_seen & followed.has_moved)
    shared = slice(following.start - window.start, None)
    share = tracks.visible[shared, movers].mean(0)
    goes_on[movers[np.argsort(-share, kind="stable")[max_movers:]]] = False
    return Handover(
        seen=everyone[goes_on],
        hidden=everyone[hides],
        lost=everyone[~is_seen & ~hides],
        retired=everyone[is_seen & ~goes_on],
    )


def _at_the_border(
    followed: Followed, window: Window, following: Window, size_px: tuple[int, int]
) -> tuple[Carried, Bool[np.ndarray, " n"]]:
    """All tracks as points handed over, and whether they are seen in a shared frame."""
    tracks, border = followed.tracks, following.core.start
    shared = np.arange(following.start - window.start, len(window.span))
    uv = tracks.uv_px[shared]
    shown = tracks.visible[shared] & is_inside(uv, size_px)
    away = np.abs(shared + window.start - border)
    best = np.where(shown, away[:, None], len(window.span)).argmin(0)
    columns = np.arange(tracks.n_points)
    is_seen = shown.any(0)
    at_border = np.full((tracks.n_points, 3), np.nan, np.float32)
    if tracks.points_world is not None:
        at_border = tracks.points_world[border - window.start]
    everyone = Carried(
        track_id=followed.track_id,
        entity=tracks.entity,
        group=tracks.query_frame,
        has_moved=followed.has_moved,
        frame=np.where(is_seen, shared[best] + window.start, border),
        pixel=np.where(is_seen[:, None], uv[best, columns], np.nan),
        world=at_border,
        last_seen=last_seen(tracks, window),
    )
    return everyone, is_seen


def last_seen(tracks: WorldTracks, window: Window) -> Int[np.ndarray, " n"]:
    """The last frame of the clip in which each track was seen; where it was chosen, if in none."""
    last = len(window.span) - 1 - tracks.visible[::-1].argmax(0) + window.start
    return np.where(tracks.visible.any(0), last, tracks.query_frame)


def _one_per_patch(pixel: Float[np.ndarray, "n 2"], size_px: tuple[int, int]) -> Bool[np.ndarray, " n"]:
    """The first point of every patch."""
    is_first = np.zeros(len(pixel), bool)
    row, column = patch_of(pixel, size_px).T
    is_first[np.unique(row * GRID + column, return_index=True)[1]] = True
    return is_first
