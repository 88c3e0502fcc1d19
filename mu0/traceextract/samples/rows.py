"""Rows of many groups and anchors as the arrays of an episode: stacked, padded, and their clock."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int, Int32

from mu0.episodes.arrays import PAD, Samples
from mu0.episodes.retiming import Retiming
from mu0.geometry.arc_length import Retargeted
from mu0.params.extract import ExtractParams
from mu0.traceextract.tracking.world_tracks import WorldTracks


@dataclass(frozen=True)
class Rows:
    """Rows of one group at one anchor that end at the same steps; their raw traces may end anywhere."""

    track: Int32[np.ndarray, " n"]
    raw: Float32[np.ndarray, "n a 3"]
    raw_past: Float32[np.ndarray, "n b 3"]
    n_raw: Int[np.ndarray, " n"]
    n_raw_past: Int[np.ndarray, " n"]
    future: Retargeted
    past: Retargeted


def stacked_samples(
    anchors: list[tuple[int, list[Rows]]], tracks: WorldTracks, params: ExtractParams
) -> Samples:
    """The official arrays of some anchors, each with its rows."""
    parts = [part for _, rows in anchors for part in rows]
    track = np.concatenate([part.track for part in parts])
    anchor_of_row = np.repeat(
        [a for a, _ in anchors], [sum(len(p.track) for p in rows) for _, rows in anchors]
    )
    counts = [sum(len(part.track) for part in rows) for _, rows in anchors]
    long, short = params.future_len, params.history_len
    traj, valid = _padded([part.future.trace for part in parts], long)
    history, history_valid = _padded([part.past.trace for part in parts], short)
    raw, raw_valid = _padded([part.raw for part in parts], long, [part.n_raw for part in parts])
    raw_history, raw_history_valid = _padded(
        [part.raw_past for part in parts], short, [part.n_raw_past for part in parts]
    )
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


def _padded(
    parts: list[np.ndarray], length: int, counts: list[np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Stack parts of different length into -inf padded float16 and its prefix mask; rows may end earlier."""
    n_rows = sum(len(part) for part in parts)
    stacked = np.full((n_rows, length, 3), PAD, np.float16)
    mask = np.zeros((n_rows, length), bool)
    row = 0
    for part in parts:
        block = slice(row, row + len(part)), slice(0, part.shape[1])
        stacked[block] = part.astype(np.float32)
        mask[block] = True
        row += len(part)
    if counts is not None:
        mask &= np.arange(length) < np.concatenate(counts)[:, None]
        stacked[~mask] = PAD
    return stacked, mask


def retiming_of(anchors: list[tuple[int, list[Rows]]], params: ExtractParams) -> Retiming:
    """When the steps of those rows were; rows that came together are a run."""
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
