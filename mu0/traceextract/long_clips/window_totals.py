"""What the windows of a clip add up to: its quality row, acceleration and movement statistics.

Counts and ledgers are sums over windows (a point that goes on is counted in each); shares and medians are
means over windows, weighted by their frames; points and entities are counted once per clip.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from mu0.sources.clip.on_disk import ClipInfo
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.long_clips.handover import Followed
from mu0.traceextract.long_clips.windows import Window
from mu0.traceextract.quality.verdict import clip_ledgers, mean_acceleration, quality_row
from mu0.traceextract.samples.anchor_views import SampledTraces
from mu0.traceextract.tracking.displacement import displacement
from mu0.traceextract.tracking.world_tracks import WorldTracks

Row = dict[str, object]


class WindowTotals:
    """Totals over the windows so far; memory grows by a few bytes per track and frame."""

    def __init__(self, info: ClipInfo, footage: Footage, note: str) -> None:
        """Begin with nothing.

        Args:
            info: The clip.
            footage: All its kept frames.
            note: What the reconstruction has to say.
        """
        self._info, self._note, self._fps_hz = info, note, footage.fps_hz
        self._n_frames = len(footage.frames)
        self._rows: list[tuple[int, Row]] = []
        self._acceleration = np.zeros(self._n_frames, np.float32)
        self._extent_px: dict[int, float] = {}
        self._moving: set[int] = set()
        self._moving_entities: set[int] = set()

    def add(self, followed: Followed, window: Window, sampled: SampledTraces, n_points_in: int) -> None:
        """Add a window; `n_points_in` were handed over or chosen."""
        tracks, core = followed.tracks, window.local_core
        self._acceleration[window.core.start : window.core.stop] = mean_acceleration(tracks)[core]
        extent_px = displacement(tracks.uv_px, tracks.visible)
        for track, extent in zip(followed.track_id.tolist(), extent_px.tolist(), strict=True):
            self._extent_px[track] = max(extent, self._extent_px.get(track, 0.0))
        self._moving.update(followed.track_id[tracks.is_moving].tolist())
        self._moving_entities.update(tracks.entity[tracks.is_moving].tolist())
        own = cut_tracks(tracks, core)
        ledgers = clip_ledgers(own.n_frames, own.n_frames, n_points_in, own, sampled)
        row = quality_row(
            self._info, own, sampled.samples, self._note, 0.0, fps_hz=self._fps_hz, ledgers=ledgers
        )
        self._rows.append((own.n_frames, row))

    @property
    def acceleration(self) -> Float32[np.ndarray, " t"]:
        """Mean acceleration of moving points [px per frame^2]."""
        return self._acceleration

    @property
    def extent_px(self) -> Float32[np.ndarray, " n"]:
        """Largest displacement of every track within a window."""
        return np.array([self._extent_px[track] for track in sorted(self._extent_px)], np.float32)

    def row(self, seconds_per_frame: float) -> Row:
        """The quality row of the clip."""
        merged = merge_rows(self._rows)
        is_ok = any(row["status"] == "ok" for _, row in self._rows)
        first = self._rows[0][1]
        reason = self._note if is_ok else first["reason"]
        dropped = merged["dropped"]
        assert isinstance(dropped, dict)
        if left_out := self._info.n_frames - self._n_frames:
            dropped["frame"] = {"rate": left_out}
        n_total, n_moving = len(self._extent_px), len(self._moving)
        return merged | {
            "status": "ok" if is_ok else "rejected",
            "reason": reason,
            "n_frames_in": self._info.n_frames,
            "n_points_total": n_total,
            "n_points_moving": n_moving,
            "moving_share": n_moving / n_total if n_total else None,
            "n_entities_moving": len(self._moving_entities),
            "seconds_per_frame": seconds_per_frame,
        }


def cut_tracks(tracks: WorldTracks, frames: slice) -> WorldTracks:
    """The same tracks in some of the frames only."""
    points = tracks.points_world
    return replace(
        tracks,
        points_world=None if points is None else points[frames],
        uv_px=tracks.uv_px[frames],
        visible=tracks.visible[frames],
        confidence=tracks.confidence[frames],
        camera_from_world=tracks.camera_from_world[frames],
        lives=None if tracks.lives is None else tracks.lives[frames],
    )


def merge_rows(rows: list[tuple[int, Row]]) -> Row:
    """One row for several windows: integers add up, measures are averaged over frames, texts are the first's.

    Args:
        rows: Number of frames and quality row of each window.
    """
    return {name: _merged([(weight, row[name]) for weight, row in rows]) for name in rows[0][1]}


def _merged(values: list[tuple[int, object]]) -> object:
    present = [(weight, value) for weight, value in values if value is not None]
    if not present:
        return None
    first = present[0][1]
    if isinstance(first, bool | str):
        return first
    if isinstance(first, int):
        return sum(value for _, value in present if isinstance(value, int))
    if isinstance(first, float):
        measured = [(weight, value) for weight, value in present if isinstance(value, float)]
        if len(measured) == 1:
            return measured[0][1]
        return sum(weight * value for weight, value in measured) / sum(weight for weight, _ in measured)
    assert isinstance(first, Mapping)
    tables = [(weight, value) for weight, value in present if isinstance(value, Mapping)]
    names = dict.fromkeys(name for _, table in tables for name in table)
    return {name: _merged([(weight, table.get(name)) for weight, table in tables]) for name in names}
