"""The verdict on a clip: one row with numbers that a gate can use, and what was dropped and why."""

from dataclasses import asdict

import numpy as np
from jaxtyping import Float32

from mu0.episodes.arrays import Samples
from mu0.geometry.rigid import apply
from mu0.sources.clip import ClipInfo
from mu0.traceextract.motion import coverage
from mu0.traceextract.quality_row import QualityRow, Status
from mu0.traceextract.tracking import project
from mu0.traceextract.tracks import WorldTracks

STEADY_FRAMES = 6  # a point is steadily seen if it is seen for so many frames on either side


def quality_row(
    info: ClipInfo, tracks: WorldTracks, samples: Samples | None, note: str, seconds_per_frame: float
) -> dict[str, object]:
    """The row of this clip; a clip without any sample is rejected, with the reason."""
    n_moving = int(tracks.is_moving.sum())
    status: Status = "ok" if samples is not None else "rejected"
    row = QualityRow(
        clip_id=info.clip_id,
        source=info.source,
        scene_id=info.scene_id,
        embodiment=info.embodiment,
        simulated=info.simulated,
        status=status,
        reason=_reason(tracks, samples, note),
        n_frames=tracks.n_frames,
        n_slots=0 if samples is None else samples.n_slots,
        n_rows=0 if samples is None else samples.n_rows,
        is_3d=tracks.is_3d,
        pose_source=tracks.pose_source,
        coverage=coverage(tracks.uv_px, tracks.visible, info.width_px, info.height_px),
        median_reprojection_error_px=_measured(tracks, "median_reprojection_error_px"),
        static_jitter_m=_measured(tracks, "static_jitter_m"),
        visible_share=float(tracks.visible.mean()) if tracks.n_points else None,
        moving_share=n_moving / tracks.n_points if tracks.n_points else None,
        n_points_total=tracks.n_points,
        n_points_moving=n_moving,
        licence=info.licence,
        seconds_per_frame=seconds_per_frame,
    )
    return asdict(row)


def _reason(tracks: WorldTracks, samples: Samples | None, note: str) -> str:
    if samples is not None:
        return note
    if tracks.n_points == 0:
        cause = "no point could be followed"
    elif not tracks.is_moving.any():
        cause = f"nothing moves: none of {tracks.n_points} points passes the movement threshold"
    else:
        cause = "points move, but no anchor frame has a usable row"
    return f"{cause}; {note}" if note else cause


def _measured(tracks: WorldTracks, name: str) -> float | None:
    value = tracks.residuals.get(name, float("nan"))
    return value if np.isfinite(value) else None


def mean_acceleration(tracks: WorldTracks) -> Float32[np.ndarray, " t"]:
    """Mean change of velocity of moving, steadily seen points through the first camera [px per frame^2].

    Source:
        reference/traceextract.md §2.11 (z weighs 0.1 per metre); captions split events by it.
    """
    mean = np.zeros(tracks.n_frames, np.float32)
    if tracks.n_frames < 3 or not tracks.is_moving.any():
        return mean
    uvz = _through_first_camera(tracks)[:, tracks.is_moving]
    change = np.linalg.norm(np.diff(uvz, n=2, axis=0), axis=-1)
    steady = _steady(tracks.visible[:, tracks.is_moving])[1:-1] & np.isfinite(change)
    count = steady.sum(1)
    mean[1:-1] = np.where(steady, change, 0).sum(1) / np.maximum(count, 1)
    return mean


def _through_first_camera(tracks: WorldTracks) -> Float32[np.ndarray, "t n 3"]:
    if tracks.points_world is None:
        return np.concatenate([tracks.uv_px, np.zeros_like(tracks.uv_px[..., :1])], -1)
    first = np.repeat(tracks.camera_from_world[:1], tracks.n_frames, 0)
    pixel, _ = project(tracks.points_world, tracks.intrinsics, first)
    z = apply(tracks.camera_from_world[0], tracks.points_world)[..., 2:]
    return np.concatenate([pixel, 0.1 * z], -1).astype(np.float32)


def _steady(visible: np.ndarray) -> np.ndarray:
    """Seen in `STEADY_FRAMES` frames that end here and in as many that start here, fewer at the ends."""
    n_frames = len(visible)
    total = np.concatenate([np.zeros((1, visible.shape[1]), int), np.cumsum(visible, 0)])
    frames = np.arange(n_frames)
    low, high = np.maximum(frames - STEADY_FRAMES + 1, 0), np.minimum(frames + STEADY_FRAMES, n_frames)
    return total[high] - total[low] == (high - low)[:, None]
