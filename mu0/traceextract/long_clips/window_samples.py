"""The samples of a window, some anchors at a time: they are by far the largest thing that a window makes."""

from collections import Counter
from dataclasses import replace
from typing import TypeVar

import numpy as np
from jaxtyping import Int32

from mu0.episodes.arrays import SAMPLE_NAMES, SampleExtras, Samples
from mu0.episodes.joined_samples import joined_samples
from mu0.episodes.resting import FIRST_THING, PlaceRows
from mu0.episodes.retiming import Retiming
from mu0.params.extract import ExtractParams
from mu0.traceextract.keypoints.choice import n_keypoints_of
from mu0.traceextract.long_clips.growing_episode import AbstractGrowingEpisode
from mu0.traceextract.long_clips.handover import Followed
from mu0.traceextract.long_clips.windows import Window
from mu0.traceextract.samples.anchor_views import SampledTraces, sample_traces
from mu0.traceextract.samples.place_rows import resting_rows, untrusted_rows
from mu0.traceextract.samples.still_things import StillThings
from mu0.traceextract.tracking.world_tracks import WorldTracks

Places = TypeVar("Places", bound=PlaceRows)
ANCHORS_AT_ONCE = 24
COUNTS_OF_TRACKS = ("not_finite", "static")  # the same for every anchor; all other drops are pairs
PER_ROW = ("keypoints", "cluster_ids", "is_moving", "visibs")


def sample_window(
    episode: AbstractGrowingEpisode,
    followed: Followed,
    window: Window,
    size_px: tuple[int, int],
    params: ExtractParams,
    things: StillThings | None = None,
) -> SampledTraces:
    """Append the samples of a window's core to the episode, and the points that rest there.

    Args:
        episode: Takes the samples.
        followed: All tracks of the window.
        window: Its frames.
        size_px: Image height and width.
        params: Section `extract`.
        things: Places on things that rest in the window.

    Returns:
        What was written, without the traces, and what was dropped.
    """
    anchors = window.anchors(params.anchor_stride)
    budget = round(params.resting_budget_share * n_keypoints_of(size_px[1], params))
    tracks = _never_moved(followed)
    parts = []
    for first in range(0, len(anchors), ANCHORS_AT_ONCE):
        block = anchors[first : first + ANCHORS_AT_ONCE]
        sampled = sample_traces(followed.tracks, size_px, params, block)
        if sampled.samples is not None and sampled.extras is not None and sampled.retiming is not None:
            episode.add(*_numbered(sampled.samples, sampled.extras, sampled.retiming, followed, window))
            anchored = sampled.samples.frame_indices.tolist()
            for rows in (
                resting_rows(tracks, size_px, budget, anchored, things),
                untrusted_rows(tracks, size_px, anchored),
            ):
                if rows is not None:
                    episode.add_places(_numbered_places(rows, followed, window))
        parts.append(_without_traces(sampled))
    return _joined(parts)


def _numbered(
    samples: Samples, extras: SampleExtras, retiming: Retiming, followed: Followed, window: Window
) -> tuple[Samples, SampleExtras, Retiming]:
    """Frames and tracks under the numbers of the clip."""
    track_ids = followed.track_id[retiming.track_ids]
    return (
        replace(samples, frame_indices=samples.frame_indices + np.int32(window.start)),
        replace(extras, track_ids=track_ids),
        replace(
            retiming,
            future_frame=retiming.future_frame + window.start,
            history_frame=retiming.history_frame + window.start,
            track_ids=track_ids,
        ),
    )


def _never_moved(followed: Followed) -> WorldTracks:
    """The tracks, of which only those rest that moved in no earlier window either."""
    tracks = followed.tracks
    return tracks if tracks.rests is None else replace(tracks, rests=tracks.rests & ~followed.has_moved)


def _numbered_places(rows: Places, followed: Followed, window: Window) -> Places:
    """Frames and tracks under the numbers of the clip."""
    return replace(
        rows,
        frame_indices=rows.frame_indices + np.int32(window.start),
        track_ids=_numbers(rows.track_ids, followed),
    )


def _numbers(ids: Int32[np.ndarray, " n"], followed: Followed) -> Int32[np.ndarray, " n"]:
    """Tracks under the numbers of the clip; places on things have theirs."""
    numbers = ids.copy()
    is_track = ids < FIRST_THING
    numbers[is_track] = followed.track_id[ids[is_track]]
    return numbers


def _without_traces(sampled: SampledTraces) -> SampledTraces:
    samples = sampled.samples
    if samples is None:
        return sampled
    traces = {
        name: getattr(samples, name)[:, :0].copy()
        for name in SAMPLE_NAMES
        if name not in PER_ROW and name not in {"frame_indices", "offsets"}
    }
    return SampledTraces(replace(samples, **traces), None, sampled.dropped, sampled.n_pairs)


def _joined(parts: list[SampledTraces]) -> SampledTraces:
    dropped: Counter[str] = Counter()
    for part in parts:
        dropped.update({name: n for name, n in part.dropped.items() if name not in COUNTS_OF_TRACKS})
    if parts:
        dropped.update({name: parts[0].dropped.get(name, 0) for name in COUNTS_OF_TRACKS})
    n_pairs = sum(part.n_pairs for part in parts)
    filled = [part.samples for part in parts if part.samples is not None]
    if not filled:
        return SampledTraces(None, None, dict(dropped), n_pairs)
    return SampledTraces(joined_samples(filled), None, dict(dropped), n_pairs)
