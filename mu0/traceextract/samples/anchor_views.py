"""From tracks in the world to samples: what every anchor frame sees of the past and the future.

For each anchor frame all tracks are looked at through that frame's camera, so the anchor's own motion drops
out; then each group is re-timed to equal steps of path length, separately into the future and into the past.

Rows are dropped, in this order, and counted by reason
    not_finite     a position of the track is NaN or infinite (whole track)
    behind_camera  the track passes behind the anchor's camera (no official rule; its pixels would be huge
                   and set the clock of the whole group)
    too_far        a pixel coordinate does not fit float16
    untrusted      the point seems to move, but its track is too doubtful (`WorldTracks.untrusted`)
    static         the point does not move in the world
    off_screen     the keypoint lies outside the image
    no_future      no row of the anchor has two valid future steps

A track has a life (`WorldTracks.lives`): it has rows at anchors within it only, and its masks end where its
life does; a point that was lost is not said to have stopped. Rows of a group that end at different steps
become different runs of the re-timing map.

Source
    reference/traceextract.md §2.12, and §9 (7, 12, 24b) for the first three reasons.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, Int64

from mu0.episodes.arrays import SampleExtras, Samples
from mu0.episodes.retiming import Retiming
from mu0.geometry.arc_length import Retargeted, common_advance, equal_steps, lengths
from mu0.geometry.camera import project
from mu0.geometry.rigid import apply
from mu0.params.extract import ExtractParams
from mu0.traceextract.samples.rows import Rows, retiming_of, stacked_samples
from mu0.traceextract.tracking.world_tracks import WorldTracks

MIN_DEPTH_M = 0.01
MAX_PX = 30_000.0  # far below the largest float16
MIN_FUTURE_STEPS = 2
PAIRS = "pairs"  # counted beside the drops while sampling
SAME_MOMENT = 1e-9  # frames
Steps: TypeAlias = tuple[Int[np.ndarray, " _m"], Float64[np.ndarray, " _m"]]  # segment, and share of it


@dataclass(frozen=True)
class SampledTraces:
    """The samples of one clip.

    Attributes:
        samples: The 14 official arrays; None if nothing survived.
        retiming: Clock time and track of every row; None if nothing survived.
        dropped: Dropped (anchor, track) pairs by reason; "not_finite" and "static" count tracks,
            "static_pair" counts the pairs of static tracks, untrusted ones left out.
        n_pairs: Anchors times the finite tracks that live there; rows and dropped pairs add up to it.
        extras: Our own columns of the rows; None if nothing survived.
    """

    samples: Samples | None
    retiming: Retiming | None
    dropped: dict[str, int]
    n_pairs: int = 0
    extras: SampleExtras | None = None


@dataclass(frozen=True)
class _View:
    """What one anchor's camera sees of all tracks; True flags hold for a track's whole life."""

    anchor: int
    trace: Float32[np.ndarray, "n t 3"]
    path: Float64[np.ndarray, "n t 3"]
    length: Float64[np.ndarray, "n s"]
    scale: Float64[np.ndarray, " 3"]
    in_front: Bool[np.ndarray, " n"]
    near: Bool[np.ndarray, " n"]
    is_shown: Bool[np.ndarray, " n"]
    lives: Bool[np.ndarray, " n"]
    birth: Int[np.ndarray, " n"]
    death: Int[np.ndarray, " n"]


def sample_traces(
    tracks: WorldTracks, size_px: tuple[int, int], params: ExtractParams, anchors: Iterable[int] | None = None
) -> SampledTraces:
    """Build the samples of every `anchor_stride`-th frame.

    Args:
        tracks: All tracks of the clip, or of a window of it.
        size_px: Image height and width.
        params: future_len, history_len, arc_step, arc_top_fraction, anchor_stride.
        anchors: Frames of `tracks` that get samples instead.
    """
    dropped: Counter[str] = Counter()
    groups = list(_groups(tracks, dropped))
    rests = ~tracks.is_moving & ~_doubtful(tracks)
    dropped["static"] = sum(int(rests[group].sum()) for group in groups)
    filled: list[tuple[int, list[Rows]]] = []
    for anchor in range(0, tracks.n_frames, params.anchor_stride) if anchors is None else anchors:
        view = _seen_from(tracks, anchor, size_px)
        rows = [part for group in groups for part in _group_rows(view, tracks, group, params, dropped)]
        if not rows:
            continue
        if max(part.future.n_valid for part in rows) < MIN_FUTURE_STEPS:
            dropped["no_future"] += sum(len(part.track) for part in rows)
            continue
        filled.append((anchor, rows))
    n_pairs = dropped.pop(PAIRS, 0)
    if not filled:
        return SampledTraces(None, None, dict(dropped), n_pairs)
    samples, retiming = stacked_samples(filled, tracks, params), retiming_of(filled, params)
    anchor_of_row = np.repeat(samples.frame_indices, np.diff(samples.offsets))
    confidence = tracks.confidence[anchor_of_row, retiming.track_ids].astype(np.float16)
    extras = SampleExtras(retiming.track_ids, confidence)
    return SampledTraces(samples, retiming, dict(dropped), n_pairs, extras)


def _groups(tracks: WorldTracks, dropped: Counter[str]) -> Iterator[Int64[np.ndarray, " g"]]:
    """Usable tracks by (first frame, query frame); inside a group by ascending entity."""
    first = np.zeros(tracks.n_points, np.int32) if tracks.first_frame is None else tracks.first_frame
    position = tracks.uv_px if tracks.points_world is None else tracks.points_world
    lives = np.arange(tracks.n_frames)[:, None] >= first
    usable = (np.isfinite(position).all(-1) | ~lives).all(0)
    dropped["not_finite"] = int((~usable).sum())
    order = np.lexsort((np.arange(tracks.n_points), tracks.entity, tracks.query_frame, first))
    order = order[usable[order]]
    if len(order) == 0:
        return
    keys = np.stack([first[order], tracks.query_frame[order]])
    starts = np.flatnonzero((np.diff(keys, axis=1) != 0).any(0)) + 1
    yield from np.split(order, starts)


def _doubtful(tracks: WorldTracks) -> Bool[np.ndarray, " n"]:
    return np.zeros(tracks.n_points, bool) if tracks.untrusted is None else tracks.untrusted


def _seen_from(tracks: WorldTracks, anchor: int, size_px: tuple[int, int]) -> _View:
    """All positions of all tracks in one anchor's camera; 2-D tracks are pixels already."""
    if tracks.points_world is None:
        trace = np.concatenate([tracks.uv_px, np.zeros_like(tracks.uv_px[..., :1])], axis=-1)
    else:
        trace = project(apply(tracks.camera_from_world[anchor], tracks.points_world), tracks.intrinsics)
    trace = np.ascontiguousarray(trace.swapaxes(0, 1))
    lives = _lives(tracks)
    unborn = ~lives
    scale = np.array([size_px[1], size_px[0], 1.0])
    path = trace.astype(np.float64) / scale
    x, y, z = trace[..., 0], trace[..., 1], trace[..., 2]
    length = lengths(path)
    if tracks.lives is not None:
        length = np.where(lives[:, 1:] & lives[:, :-1], length, 0)
    return _View(
        anchor=anchor,
        trace=trace,
        path=path,
        length=length,
        scale=scale,
        in_front=((z > MIN_DEPTH_M) | unborn).all(1) | (not tracks.is_3d),
        near=((np.abs(x) < MAX_PX) & (np.abs(y) < MAX_PX) | unborn).all(1),
        is_shown=_on_screen(trace[:, anchor], size_px),
        lives=lives[:, anchor],
        birth=lives.argmax(1),
        death=tracks.n_frames - 1 - lives[:, ::-1].argmax(1),
    )


def _lives(tracks: WorldTracks) -> Bool[np.ndarray, "n t"]:
    """When each track exists."""
    first = np.zeros((1, 1), int) if tracks.first_frame is None else tracks.first_frame[:, None]
    born = np.broadcast_to(np.arange(tracks.n_frames) >= first, (tracks.n_points, tracks.n_frames))
    return born if tracks.lives is None else born & tracks.lives.T


def _group_rows(
    view: _View,
    tracks: WorldTracks,
    group: Int64[np.ndarray, " g"],
    params: ExtractParams,
    dropped: Counter[str],
) -> list[Rows]:
    anchor = view.anchor
    group = group[view.lives[group]]
    if len(group) == 0:
        return []
    first = 0 if tracks.first_frame is None else int(tracks.first_frame[group[0]])
    dropped[PAIRS] += len(group)
    in_front, near = view.in_front[group], view.near[group]
    dropped["behind_camera"] += int((~in_front).sum())
    dropped["too_far"] += int((in_front & ~near).sum())
    group = group[in_front & near]
    moving = tracks.is_moving[group]
    doubtful = _doubtful(tracks)[group]
    dropped["untrusted"] += int(doubtful.sum())
    dropped["static_pair"] += int((~moving & ~doubtful).sum())
    keep = moving & view.is_shown[group]
    dropped["off_screen"] += int((moving & ~keep).sum())
    if not keep.any():
        return []
    advance = common_advance(view.length[group[~doubtful], first:], params.arc_top_fraction)
    before, after = advance[: anchor - first][::-1], advance[anchor - first :]
    future = _from_now(equal_steps(after, params.future_len, params.arc_step))
    past = _from_now(equal_steps(before, params.history_len, params.arc_step))
    rows = group[keep]
    n_future = _n_within(future, view.death[rows] - anchor)
    n_past = _n_within(past, anchor - view.birth[rows])
    if (n_future == n_future[0]).all() and (n_past == n_past[0]).all():
        return [_rows(view, rows, (_cut(future, int(n_future[0])), _cut(past, int(n_past[0]))), params)]
    return [
        _rows(view, rows[(n_future == a) & (n_past == b)], (_cut(future, a), _cut(past, b)), params)
        for a, b in np.unique(np.stack([n_future, n_past], 1), axis=0).tolist()
    ]


def _rows(
    view: _View, rows: Int64[np.ndarray, " n"], steps: tuple[Steps, Steps], params: ExtractParams
) -> Rows:
    """Rows that share all steps."""
    anchor = view.anchor
    first = int(view.birth[rows].min())
    n_raw, n_raw_past = view.death[rows] - anchor + 1, anchor - view.birth[rows] + 1
    return Rows(
        track=rows.astype(np.int32),
        raw=view.trace[rows, anchor : anchor + params.future_len],
        raw_past=view.trace[rows, first : anchor + 1][:, : -params.history_len - 1 : -1],
        n_raw=np.minimum(n_raw, params.future_len),
        n_raw_past=np.minimum(n_raw_past, params.history_len),
        future=_retimed(view, rows, steps[0], 1),
        past=_retimed(view, rows, steps[1], -1),
    )


def _n_within(steps: Steps, n_frames: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """How many steps lie within so many frames; the first one always does."""
    segment, share = steps
    return np.maximum(1, np.searchsorted(segment + share, n_frames + SAME_MOMENT, side="right"))


def _from_now(steps: Steps) -> Steps:
    """Step 0 is the anchor itself, also where nothing that is known moves for a while."""
    segment, share = steps
    return np.concatenate([[0], segment[1:]]), np.concatenate([[0.0], share[1:]])


def _cut(steps: Steps, count: int) -> Steps:
    return steps[0][:count], steps[1][:count]


def _retimed(
    view: _View,
    rows: Int64[np.ndarray, " n"],
    steps: Steps,
    direction: int,
) -> Retargeted:
    """Traces at some steps into the future (direction 1) or the past (-1)."""
    segment, share = steps
    at = view.anchor + direction * segment
    beside = (at + direction).clip(0, view.path.shape[1] - 1)
    start, end = view.path[rows[:, None], at], view.path[rows[:, None], beside]
    return Retargeted(
        (start + share[:, None] * (end - start)) * view.scale, view.anchor + direction * (segment + share)
    )


def _on_screen(place: Float32[np.ndarray, "n 3"], size_px: tuple[int, int]) -> Bool[np.ndarray, " n"]:
    height_px, width_px = size_px
    x, y = place[:, 0], place[:, 1]
    return (x >= 0) & (x <= width_px) & (y >= 0) & (y <= height_px)
