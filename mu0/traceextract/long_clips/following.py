"""The tracks of one window: points handed over and new ones, followed, on bodies, with numbers of the clip.

    points handed over  --tracked-->  which patches are covered  -->  new keypoints where none are
    all of them  --tracked, reseeded-->  pixel tracks  --bodies, riding-->  world tracks
    points handed over hidden ride along with their entity

The first window has nothing handed over; a short clip has no other window.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Footage, Keypoints, PixelTracks, Reconstruction
from mu0.traceextract.backends.registry import load_point_tracker
from mu0.traceextract.bodies.assembly import assemble
from mu0.traceextract.hands.identity import Hands
from mu0.traceextract.hands.protection import protect
from mu0.traceextract.keypoints.choice import choose
from mu0.traceextract.keypoints.reseeding import reseed
from mu0.traceextract.long_clips.choice_in_window import Choice, begins_to_move, choose_in_window
from mu0.traceextract.long_clips.entity_numbers import EntityNumbers
from mu0.traceextract.long_clips.handover import Followed, Handover
from mu0.traceextract.long_clips.hidden_points import ride_on
from mu0.traceextract.long_clips.life_cycle import Event, LifeCycle
from mu0.traceextract.long_clips.windows import Window
from mu0.traceextract.quality.unexplained import unexplained_motion
from mu0.traceextract.tracking.world_tracks import WorldTracks

View = tuple[Footage, Reconstruction]  # of one window
Guard = Callable[[PixelTracks, Keypoints], PixelTracks]


@dataclass
class Identities:
    """Who is who in the clip: what lives longer than a window."""

    entities: EntityNumbers = field(default_factory=EntityNumbers)
    life: LifeCycle = field(default_factory=LifeCycle)
    n_tracks: int = 0
    hands: Hands | None = None  # of the whole clip; they protect tracks from sliding on and off them


def follow(
    view: View, window: Window, handover: Handover | None, params: ExtractParams, identities: Identities
) -> tuple[Followed, int]:
    """The tracks of a window, and how many points went in.

    Args:
        view: Frames, depth and cameras of the window.
        window: Its frames.
        handover: From the window before; None in the first one.
        params: Section `extract`.
        identities: Of the clip so far; takes up those of this window.
    """
    everyone, pixel_tracks, choice = _points(view, window, handover, params)
    n_helpers = len(choice.helpers.frame)
    everyone, tracks = _completed(
        view,
        everyone,
        pixel_tracks,
        n_helpers,
        params,
        window.local_core,
        _guard(identities.hands, window, view),
    )
    followed = _identified(tracks, everyone, choice, window, handover, identities)
    n_points_in = len(everyone.frame) - n_helpers
    if handover is None or not tracks.is_3d:
        return followed, n_points_in
    border = window.local_core.start
    followed, is_found = ride_on(followed, handover.hidden, view[1], border, params.movement_m)
    return followed, n_points_in + int(is_found.sum())


def track(
    footage: Footage,
    reconstruction: Reconstruction,
    keypoints: tuple[Keypoints, Keypoints],
    params: ExtractParams,
) -> WorldTracks:
    """Follow keypoints and helpers (`choose`) through footage in memory, and complete their tracks."""
    chosen, helpers = keypoints
    everyone, view = chosen.joined(helpers), (footage, reconstruction)
    return _completed(view, everyone, _tracked(view, everyone, params), len(helpers.frame), params)[1]


def _points(
    view: View, window: Window, handover: Handover | None, params: ExtractParams
) -> tuple[Keypoints, PixelTracks, Choice]:
    """All points of a window, those handed over first, and their pixels."""
    if handover is None:
        keypoints, helpers = choose(*view, params)
        everyone = keypoints.joined(helpers)
        return everyone, _tracked(view, everyone, params), Choice(keypoints, helpers, [])
    old = handover.seen.queries(window, begins_to_move(*view, handover.seen, window), params.n_entities)
    old_tracks = _tracked(view, old, params)
    choice = choose_in_window(*view, params, window, handover.seen, old_tracks)
    new = choice.keypoints.joined(choice.helpers)
    return old.joined(new), old_tracks.beside(_tracked(view, new, params)), choice


def _tracked(view: View, keypoints: Keypoints, params: ExtractParams) -> PixelTracks:
    n_frames = len(view[0].frames)
    if len(keypoints.frame) == 0:
        return PixelTracks(np.zeros((n_frames, 0, 2), np.float32), np.zeros((n_frames, 0), bool))
    return load_point_tracker(params.tracker, params.learned).track(*view, keypoints)


def _completed(
    view: View,
    everyone: Keypoints,
    pixel_tracks: PixelTracks,
    n_helpers: int,
    params: ExtractParams,
    core: slice = slice(None),
    guard: Guard | None = None,
) -> tuple[Keypoints, WorldTracks]:
    """Points with those that were added while following, and their tracks in the world."""
    footage, reconstruction = view
    tracker = load_point_tracker(params.tracker, params.learned)
    if guard is not None:
        pixel_tracks = guard(pixel_tracks, everyone)
    everyone, pixel_tracks = reseed(*view, everyone, pixel_tracks, params, tracker, core)
    if guard is not None:
        pixel_tracks = guard(pixel_tracks, everyone)
    tracks = assemble(pixel_tracks, everyone, n_helpers, reconstruction, footage.grey, params)
    unexplained = unexplained_motion(footage, reconstruction, tracks)
    return everyone, replace(tracks, residuals=tracks.residuals | unexplained)


def _guard(hands: Hands | None, window: Window, view: View) -> Guard | None:
    """What takes from tracks where they slide onto hands or off them; None if nobody looked for hands."""
    if hands is None or len(hands) == 0:
        return None
    frames = slice(window.start, window.start + len(view[0].frames))
    return partial(protect, hands=hands, frames=frames)


def _identified(
    tracks: WorldTracks,
    everyone: Keypoints,
    choice: Choice,
    window: Window,
    handover: Handover | None,
    identities: Identities,
) -> Followed:
    """Give tracks their numbers in the clip: those they brought along, or new ones."""
    assert tracks.keypoint is not None
    n_new = tracks.n_points
    track_id = identities.n_tracks + np.arange(tracks.n_points, dtype=np.int32)
    group = (everyone.frame[tracks.keypoint] + window.start).astype(np.int32)
    has_moved = tracks.is_moving.copy()
    if handover is None:
        entity = identities.entities.first_window(tracks)
        is_old = np.zeros(tracks.n_points, bool)
    else:
        seen = handover.seen
        is_old = tracks.keypoint < len(seen)
        old = tracks.keypoint[is_old]
        n_new = int((~is_old).sum())
        track_id[~is_old] = identities.n_tracks + np.arange(n_new)
        track_id[is_old], group[is_old] = seen.track_id[old], seen.group[old]
        has_moved[is_old] |= seen.has_moved[old]
        cluster = everyone.entity[len(seen) :]
        entity = identities.entities.later_window(tracks, seen, cluster, choice.votes)
        gone = np.setdiff1d(np.arange(len(seen)), old)
        identities.life.note(Event.LOST, seen.track_id[gone], seen.frame[gone])
    identities.life.note(Event.CHOSEN, track_id[~is_old], group[~is_old])
    identities.n_tracks += n_new
    numbered = replace(tracks, entity=entity, query_frame=group)
    return Followed(numbered, track_id, has_moved, np.zeros(tracks.n_points, bool))
