"""From tracks in the world to samples: what every anchor frame sees of the past and the future.

For each anchor frame all tracks are looked at through that frame's camera, so the anchor's own motion drops
out; then each group is re-timed to equal steps of path length, separately into the future and into the past.

Rows are dropped, in this order, and counted by reason
    not_finite     a position of the track is NaN or infinite (whole track)
    behind_camera  the track passes behind the anchor's camera (no official rule; its pixels would be huge
                   and set the clock of the whole group)
    too_far        a pixel coordinate does not fit float16
    static         the point does not move in the world
    off_screen     the keypoint lies outside the image
    no_future      no row of the anchor has two valid future steps

Source
    reference/traceextract.md §2.12, and §9 (7, 12, 24b) for the first three reasons.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, Int32, Int64

from mu0.episodes.arrays import PAD, SampleExtras, Samples
from mu0.episodes.retiming import Retiming
from mu0.geometry.arc_length import Retargeted, common_advance, equal_steps, lengths
from mu0.geometry.camera import project
from mu0.geometry.rigid import apply
from mu0.params.extract import ExtractParams
from mu0.traceextract.tracks import WorldTracks

MIN_DEPTH_M = 0.01
MAX_PX = 30_000.0  # far below the largest float16
MIN_FUTURE_STEPS = 2
PAIRS = "pairs"  # counted beside the drops while sampling


@dataclass(frozen=True)
class SampledTraces:
    """The samples of one clip.

    Attributes:
        samples: The 14 official arrays; None if nothing survived.
        retiming: Clock time and track of every row; None if nothing survived.
        dropped: Dropped (anchor, track) pairs by reason; "not_finite" and "static" count tracks,
            "static_pair" counts the pairs of static tracks.
        n_pairs: Anchors times the finite tracks that live there; rows and dropped pairs add up to it.
        extras: Our own columns of the rows; None if nothing survived.
    """

    samples: Samples | None
    retiming: Retiming | None
    dropped: dict[str, int]
    n_pairs: int = 0
    extras: SampleExtras | None = None


@dataclass(frozen=True)
class _Rows:
    """Rows of one group at one anchor."""

    track: Int32[np.ndarray, " n"]
    raw: Float32[np.ndarray, "n a 3"]
    raw_past: Float32[np.ndarray, "n b 3"]
    future: Retargeted
    past: Retargeted


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
    dropped["static"] = sum(int((~tracks.is_moving[group]).sum()) for group in groups)
    filled: list[tuple[int, list[_Rows]]] = []
    for anchor in range(0, tracks.n_frames, params.anchor_stride) if anchors is None else anchors:
        view = _seen_from(tracks, anchor, size_px)
        found = [_group_rows(view, tracks, group, params, dropped) for group in groups]
        rows = [part for part in found if part is not None]
        if not rows:
            continue
        if max(part.future.n_valid for part in rows) < MIN_FUTURE_STEPS:
            dropped["no_future"] += sum(len(part.track) for part in rows)
            continue
        filled.append((anchor, rows))
    n_pairs = dropped.pop(PAIRS, 0)
    if not filled:
        return SampledTraces(None, None, dict(dropped), n_pairs)
    samples, retiming = _samples(filled, tracks, params), _retiming(filled, params)
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


def _seen_from(tracks: WorldTracks, anchor: int, size_px: tuple[int, int]) -> _View:
    """All positions of all tracks in one anchor's camera; 2-D tracks are pixels already."""
    if tracks.points_world is None:
        trace = np.concatenate([tracks.uv_px, np.zeros_like(tracks.uv_px[..., :1])], axis=-1)
    else:
        trace = project(apply(tracks.camera_from_world[anchor], tracks.points_world), tracks.intrinsics)
    trace = np.ascontiguousarray(trace.swapaxes(0, 1))
    first = np.zeros((1, 1)) if tracks.first_frame is None else tracks.first_frame[:, None]
    unborn = np.arange(tracks.n_frames) < first
    scale = np.array([size_px[1], size_px[0], 1.0])
    path = trace.astype(np.float64) / scale
    x, y, z = trace[..., 0], trace[..., 1], trace[..., 2]
    return _View(
        anchor=anchor,
        trace=trace,
        path=path,
        length=lengths(path),
        scale=scale,
        in_front=((z > MIN_DEPTH_M) | unborn).all(1) | (not tracks.is_3d),
        near=((np.abs(x) < MAX_PX) & (np.abs(y) < MAX_PX) | unborn).all(1),
        is_shown=_on_screen(trace[:, anchor], size_px),
    )


def _group_rows(
    view: _View,
    tracks: WorldTracks,
    group: Int64[np.ndarray, " g"],
    params: ExtractParams,
    dropped: Counter[str],
) -> _Rows | None:
    anchor = view.anchor
    first = 0 if tracks.first_frame is None else int(tracks.first_frame[group[0]])
    if anchor < first:
        return None
    dropped[PAIRS] += len(group)
    in_front, near = view.in_front[group], view.near[group]
    dropped["behind_camera"] += int((~in_front).sum())
    dropped["too_far"] += int((in_front & ~near).sum())
    group = group[in_front & near]
    moving = tracks.is_moving[group]
    dropped["static_pair"] += int((~moving).sum())
    keep = moving & view.is_shown[group]
    dropped["off_screen"] += int((moving & ~keep).sum())
    if not keep.any():
        return None
    advance = common_advance(view.length[group, first:], params.arc_top_fraction)
    before, after = advance[: anchor - first][::-1], advance[anchor - first :]
    rows = group[keep]
    return _Rows(
        track=rows.astype(np.int32),
        raw=view.trace[rows, anchor : anchor + params.future_len],
        raw_past=view.trace[rows, first : anchor + 1][:, : -params.history_len - 1 : -1],
        future=_retimed(view, rows, equal_steps(after, params.future_len, params.arc_step), 1),
        past=_retimed(view, rows, equal_steps(before, params.history_len, params.arc_step), -1),
    )


def _retimed(
    view: _View,
    rows: Int64[np.ndarray, " n"],
    steps: tuple[Int[np.ndarray, " m"], Float64[np.ndarray, " m"]],
    direction: int,
) -> Retargeted:
    """Traces at some steps into the future (direction 1) or the past (-1)."""
    segment, share = steps
    at = view.anchor + direction * segment
    path = view.path[rows]
    start, end = path[:, at], path[:, (at + direction).clip(0, path.shape[1] - 1)]
    return Retargeted(
        (start + share[:, None] * (end - start)) * view.scale, view.anchor + direction * (segment + share)
    )


def _on_screen(now: Float32[np.ndarray, "n 3"], size_px: tuple[int, int]) -> Bool[np.ndarray, " n"]:
    height_px, width_px = size_px
    x, y = now[:, 0], now[:, 1]
    return (x >= 0) & (x <= width_px) & (y >= 0) & (y <= height_px)


def _samples(anchors: list[tuple[int, list[_Rows]]], tracks: WorldTracks, params: ExtractParams) -> Samples:
    parts = [part for _, rows in anchors for part in rows]
    track = np.concatenate([part.track for part in parts])
    anchor_of_row = np.repeat(
        [a for a, _ in anchors], [sum(len(p.track) for p in rows) for _, rows in anchors]
    )
    counts = [sum(len(part.track) for part in rows) for _, rows in anchors]
    long, short = params.future_len, params.history_len
    traj, valid = _padded([part.future.trace for part in parts], long)
    history, history_valid = _padded([part.past.trace for part in parts], short)
    raw, raw_valid = _padded([part.raw for part in parts], long)
    raw_history, raw_history_valid = _padded([part.raw_past for part in parts], short)
    return Samples(
        frame_indices=np.array([anchor for anchor, _ in anchors], np.int32),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        keypoints=np.concatenate([part.raw[:, 0, :2] for part in parts]).astype(np.float16),
        cluster_ids=tracks.entity[track],
        is_moving=np.ones(len(track), bool),
        visibs=tracks.visible[anchor_of_row, track].astype(np.float16),
        traj=traj,
        traj_history=history,
        valid_steps=valid,
        valid_steps_history=history_valid,
        raw_traj=raw,
        raw_traj_history=raw_history,
        raw_valid_steps=raw_valid,
        raw_valid_steps_history=raw_history_valid,
    )


def _padded(parts: list[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Stack parts of different length into -inf padded float16 and its prefix mask."""
    n_rows = sum(len(part) for part in parts)
    stacked = np.full((n_rows, length, 3), PAD, np.float16)
    mask = np.zeros((n_rows, length), bool)
    row = 0
    for part in parts:
        block = slice(row, row + len(part)), slice(0, part.shape[1])
        stacked[block] = part.astype(np.float32)
        mask[block] = True
        row += len(part)
    return stacked, mask


def _retiming(anchors: list[tuple[int, list[_Rows]]], params: ExtractParams) -> Retiming:
    parts = [part for _, rows in anchors for part in rows]
    return Retiming(
        path_step=params.arc_step,
        future_frame=_table([part.future.frame for part in parts], params.future_len),
        history_frame=_table([part.past.frame for part in parts], params.history_len),
        run_offsets=np.concatenate([[0], np.cumsum([len(part.track) for part in parts])]).astype(np.int64),
        track_ids=np.concatenate([part.track for part in parts]),
    )


def _table(frames: list[np.ndarray], length: int) -> Float64[np.ndarray, "r l"]:
    table = np.full((len(frames), length), np.nan)
    for line, frame in zip(table, frames, strict=True):
        line[: len(frame)] = frame
    return table
