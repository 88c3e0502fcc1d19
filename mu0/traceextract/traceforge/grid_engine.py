"""The engine of mode `traceforge`: a clip as an episode whose rows are computed when they are asked for.

`GridView` has the face of an episode on disk (`mu0.episodes.layouts.view`), so the writers of the official
and of the TraceForge layout write it frame by frame; one query frame is in memory at a time.
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Float, Float32, UInt8

from mu0.episodes.arrays import PAD, SampleExtras
from mu0.episodes.layouts.official import write_official
from mu0.episodes.layouts.view import AbstractEpisodeView, Cameras, FrameRows
from mu0.episodes.retiming import Retiming
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import naming_a_full_disk, write_extras
from mu0.geometry.traceforge import N_GRID_POINTS
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import Clip
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.backends.registry import load_reconstructor
from mu0.traceextract.footage import fits_in_memory, read_footage, store_footage
from mu0.traceextract.keypoints.coverage import coverage
from mu0.traceextract.quality.motion import motion_of
from mu0.traceextract.quality.provenance import sidecar_of
from mu0.traceextract.quality.row import QualityRow
from mu0.traceextract.quality.verdict import mean_acceleration
from mu0.traceextract.traceforge.grid_traces import GridTraces, query_anchors, trace_grid

EPISODE_NAME = "episode"


def extract_traceforge(clip: Clip, params: ExtractParams, folder: Path) -> dict[str, object]:
    """Extract one clip in TraceForge's way into `folder / "episode"`, in the official layout.

    `mu0 convert --to traceforge` turns it into TraceForge's own layout.

    Args:
        clip: Of any length.
        params: Section `extract`; `anchor_stride` is TraceForge's frame drop rate.
        folder: An empty folder.

    Returns:
        The quality row. The episode is there if its status is "ok".

    Raises:
        ExtractionError: The clip has fewer than two frames, or a backend does not exist.
        SourceError: The clip cannot be decoded.
        EpisodeError: The disk is full.
    """
    started = time.perf_counter()
    scratch = folder / "scratch"
    scratch.mkdir()
    with naming_a_full_disk(folder):
        view = GridView(clip, params, scratch)
        if view.anchors:
            episode = folder / EPISODE_NAME
            episode.mkdir()
            write_official(view, episode)
            write_extras(episode, view.extras())
    return view.quality_row((time.perf_counter() - started) / view.n_frames)


@final
class GridView(AbstractEpisodeView):
    """A clip in mode `traceforge`; see `AbstractEpisodeView` for its attributes.

    Rows are computed in `rows`; the sidecar, the extras and the quality row are complete after all anchors
    were visited once.
    """

    def __init__(self, clip: Clip, params: ExtractParams, scratch: Path) -> None:
        """Decode the clip and reconstruct its depth and camera path.

        Args:
            clip: The source.
            params: Section `extract`.
            scratch: Folder for the frames of a clip that does not fit into memory.

        Raises:
            ExtractionError: The clip has fewer than two frames.
            SourceError: The clip cannot be decoded.
        """
        self._clip, self._params = clip, params
        if fits_in_memory(clip, params):
            self._footage = read_footage(clip, params.target_fps_hz)
        else:
            self._footage = store_footage(clip, params.target_fps_hz, scratch / "images.npy", scratch)
        backend = load_reconstructor(params.reconstructor, params.learned)
        self._scene = backend.reconstruct(self._footage)
        self.folder, self.layout = clip.folder, "official"
        self.frame_numbers = tuple(range(len(self._footage.frames)))
        self.size_px = (self._footage.image_size_px[1], self._footage.image_size_px[0])
        self.anchors = tuple(query_anchors(self._scene, self.n_frames, params.anchor_stride))
        self.has_depth = self._scene.is_3d
        self.absent, self.notes = ("history",), ()
        self._done: dict[int, _Summary] = {}
        self._acceleration = np.zeros(self.n_frames, np.float32)

    @property
    def n_rows(self) -> int:
        """A grid per query frame."""
        return len(self.anchors) * N_GRID_POINTS

    def image(self, index: int) -> UInt8[np.ndarray, "h w 3"]:
        """One RGB frame."""
        return self._footage.frames[index]

    def depth_m(self, index: int) -> Float[np.ndarray, "h w"]:
        """One depth image [m]."""
        assert self._scene.depth_m is not None
        return self._scene.depth_m[index]

    def rows(self, index: int) -> FrameRows:
        """Follow the grid of a query frame."""
        traces = trace_grid(self._footage, self._scene, index, self._params)
        self._done[index] = _Summary(traces, self._footage)
        stride = self._params.anchor_stride
        first = mean_acceleration(traces.tracks)[1 : 1 + stride]
        self._acceleration[index + 1 : index + 1 + len(first)] = first
        return _frame_rows(traces, self._params)

    def cameras(self) -> Cameras:
        """The camera path."""
        lens = self._scene.intrinsics.astype(np.float32)
        poses = self._scene.camera_from_world.astype(np.float32)
        return Cameras(np.repeat(lens[None], self.n_frames, 0), poses)

    def acceleration(self) -> Float32[np.ndarray, " t"]:
        """Mean acceleration of moving points."""
        return self._acceleration

    def instructions(self) -> tuple[str, ...]:
        """The source's own instruction."""
        return (self._clip.info.instruction,) if self._clip.info.instruction else ()

    def sidecar(self) -> Sidecar:
        """Content of mu0.json."""
        sidecar = sidecar_of(self._clip, self._footage, self._scene, self._retiming(), self._params)
        return replace(sidecar, mode="traceforge", absent=self.absent)

    def extras(self) -> SampleExtras:
        """Track ids, one per query point, and confidence at the query frame."""
        confidence = [self._done[anchor].confidence for anchor in self.anchors]
        return SampleExtras(self._track_ids(), np.concatenate(confidence).astype(np.float16))

    def quality_row(self, seconds_per_frame: float) -> dict[str, object]:
        """The verdict: every query frame counts as points and as pairs of its own."""
        info, n_points = self._clip.info, self.n_rows
        done = [self._done[anchor] for anchor in self.anchors]
        n_moving = sum(summary.n_moving for summary in done)
        n_query_frames = len(range(0, self.n_frames, self._params.anchor_stride))
        not_queried = (n_query_frames - len(self.anchors)) * N_GRID_POINTS
        n_held = sum(summary.n_held for summary in done)
        note = f"{n_held} of {n_points} grid points could not be followed and stay" if n_held else ""
        row = QualityRow(
            clip_id=info.clip_id,
            source=info.source,
            scene_id=info.scene_id,
            embodiment=info.embodiment,
            simulated=info.simulated,
            status="ok" if done else "rejected",
            reason="; ".join(text for text in (self._scene.note, note) if text)
            if done
            else "no frame has both depth and a future",
            n_frames=self.n_frames,
            n_slots=len(done),
            n_rows=n_points,
            is_3d=self._scene.is_3d,
            pose_source=self._scene.pose_source,
            coverage=_mean(done, "coverage"),
            median_reprojection_error_px=_middle(done, "reprojection_error_px"),
            static_jitter_m=_middle(done, "static_jitter_m"),
            visible_share=_mean(done, "visible_share"),
            moving_share=n_moving / n_points if n_points else None,
            n_points_total=n_points,
            n_points_moving=n_moving,
            licence=info.licence,
            seconds_per_frame=seconds_per_frame,
            fps_hz=self._footage.fps_hz,
            n_frames_in=info.n_frames,
            n_points_in=n_points + not_queried,
            n_points_out=n_points,
            n_pairs_in=n_points,
            has_depth=info.has_depth,
            has_actions=info.has_robot,
            has_instruction=bool(info.instruction),
            intrinsics_source=info.intrinsics_source,
            median_depth_m=info.median_depth_m or None,
            note=info.note,
            moving_jitter_m=_middle(done, "jitter_m"),
            median_motion_m=_middle(done, "motion_m"),
            median_speed_m_s=_middle(done, "speed_m_s"),
            median_motion_px=_middle(done, "motion_px"),
            mean_confidence=_mean(done, "mean_confidence"),
            n_entities_moving=max((summary.n_entities for summary in done), default=0),
            dropped={
                "frame": {"rate": n} if (n := info.n_frames - self.n_frames) else {},
                "point": {"no_depth_or_future": not_queried} if not_queried else {},
            },
        )
        return asdict(row)

    def _track_ids(self) -> np.ndarray:
        return np.arange(self.n_rows, dtype=np.int32)

    def _retiming(self) -> Retiming | None:
        if not self.anchors or len(self._done) < len(self.anchors):
            return None
        future = np.full((len(self.anchors), self._params.future_len), np.nan)
        past = np.full((len(self.anchors), self._params.history_len), np.nan)
        for line, anchor in enumerate(self.anchors):
            frames = self._done[anchor].step_frame
            future[line, : len(frames)] = anchor + frames
            past[line, 0] = anchor
        offsets = np.arange(len(self.anchors) + 1, dtype=np.int64) * N_GRID_POINTS
        return Retiming(self._params.arc_step, future, past, offsets, self._track_ids())


class _Summary:
    """What is remembered of a query frame."""

    def __init__(self, traces: GridTraces, footage: Footage) -> None:
        tracks, residuals = traces.tracks, traces.tracks.residuals
        motion = motion_of(tracks, footage.fps_hz)
        self.jitter_m, self.motion_m = motion.jitter_m, motion.motion_m
        self.speed_m_s, self.motion_px = motion.speed_m_s, motion.motion_px
        self.coverage = coverage(tracks.uv_px, tracks.visible, *footage.image_size_px)
        self.n_entities = len(np.unique(tracks.entity[tracks.is_moving]))
        self.step_frame = traces.retargeted.frame
        self.confidence = traces.confidence
        self.mean_confidence = float(traces.confidence.mean())
        self.n_moving, self.n_held = int(traces.is_moving.sum()), int(traces.is_held.sum())
        self.visible_share = float(traces.visible.mean())
        self.reprojection_error_px = residuals.get("median_reprojection_error_px", np.nan)
        self.static_jitter_m = residuals.get("static_jitter_m", np.nan)


def _middle(done: list[_Summary], name: str) -> float | None:
    known = [value for summary in done if (value := getattr(summary, name)) is not None]
    values = [value for value in known if np.isfinite(value)]
    return float(np.median(values)) if values else None


def _mean(done: list[_Summary], name: str) -> float | None:
    return float(np.mean([getattr(summary, name) for summary in done])) if done else None


def _frame_rows(traces: GridTraces, params: ExtractParams) -> FrameRows:
    raw, raw_valid = _padded(traces.raw, params.future_len)
    traj, valid = _padded(traces.retargeted.trace, params.future_len)
    history, history_valid = _padded(traj[:, :1].astype(np.float32), params.history_len)
    return FrameRows(
        keypoints=traces.raw[:, 0, :2].astype(np.float16),
        cluster_ids=traces.entity,
        is_moving=traces.is_moving,
        visibs=traces.visible[0].astype(np.float16),
        traj=traj,
        traj_history=history,
        valid_steps=valid,
        valid_steps_history=history_valid,
        raw_traj=raw,
        raw_traj_history=history.copy(),
        raw_valid_steps=raw_valid,
        raw_valid_steps_history=history_valid.copy(),
        raw_xy=traces.raw[..., :2],
    )


def _padded(trace: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """-inf padded float16 with three channels, and its prefix mask."""
    padded = np.full((len(trace), length, 3), PAD, np.float16)
    padded[:, : trace.shape[1], 2] = 0
    padded[:, : trace.shape[1], : trace.shape[2]] = trace
    return padded, np.broadcast_to(np.arange(length) < trace.shape[1], (len(trace), length)).copy()
