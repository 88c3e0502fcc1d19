"""The verdict on a clip: one row with numbers that a gate can use, and what was dropped and why.

Entry points
    clip_ledgers       what went in, what came out and what was dropped, level by level
    quality_row        the row
    mean_acceleration  the signal by which captions split events
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from jaxtyping import Float32

from mu0.episodes.arrays import Samples
from mu0.geometry.rigid import apply
from mu0.sources.clip.on_disk import ClipInfo
from mu0.traceextract.keypoints.coverage import coverage
from mu0.traceextract.quality.ledger import Ledger, reasons_of
from mu0.traceextract.quality.motion import motion_of
from mu0.traceextract.quality.row import QualityRow, Status
from mu0.traceextract.quality.unexplained import warning_of
from mu0.traceextract.samples.anchor_views import SampledTraces
from mu0.traceextract.tracking.lifting import project
from mu0.traceextract.tracking.world_tracks import WorldTracks

STEADY_FRAMES = 6  # a point is steadily seen if it is seen for so many frames on either side


def clip_ledgers(
    n_source_frames: int, n_kept_frames: int, n_keypoints: int, tracks: WorldTracks, sampled: SampledTraces
) -> tuple[Ledger, ...]:
    """The ledgers of one clip, or of one window of it; windows add up.

    Args:
        n_source_frames: Frames of the video.
        n_kept_frames: Frames that the rate asked for.
        n_keypoints: Points that were chosen, helpers left out.
        tracks: What assembly made of them.
        sampled: What sampling made of those.
    """
    samples, lost = sampled.samples, sampled.dropped
    not_finite = lost.get("not_finite", 0)
    pairs = {
        name: lost.get(name, 0)
        for name in ("behind_camera", "too_far", "untrusted", "off_screen", "no_future")
    }
    return (
        Ledger("frame", n_source_frames, tracks.n_frames, {"rate": n_source_frames - n_kept_frames}),
        Ledger(
            "point",
            n_keypoints,
            tracks.n_points - not_finite,
            dict(tracks.dropped) | {"not_finite": not_finite},
        ),
        Ledger(
            "pair",
            sampled.n_pairs,
            0 if samples is None else samples.n_rows,
            pairs | {"static": lost.get("static_pair", 0)},
        ),
    )


def quality_row(
    info: ClipInfo,
    tracks: WorldTracks,
    samples: Samples | None,
    note: str,
    seconds_per_frame: float,
    *,
    fps_hz: float = 0.0,
    ledgers: Sequence[Ledger] = (),
) -> dict[str, object]:
    """The row of this clip; a clip without any sample is rejected, with the reason.

    Args:
        info: The clip.
        tracks: All its tracks.
        samples: Its samples; None if no anchor has a usable row.
        note: What the reconstruction has to say.
        seconds_per_frame: Wall time.
        fps_hz: Rate of the kept frames; 0 if unknown, then there are no speeds.
        ledgers: From `clip_ledgers`.
    """
    status: Status = "ok" if samples is not None else "rejected"
    row = QualityRow(
        clip_id=info.clip_id,
        source=info.source,
        scene_id=info.scene_id,
        embodiment=info.embodiment,
        simulated=info.simulated,
        status=status,
        reason=_reason(tracks, samples, note),
        warning=warning_of(tracks) if status == "ok" else "",
        is_3d=tracks.is_3d,
        pose_source=tracks.pose_source,
        licence=info.licence,
        has_depth=info.has_depth,
        has_actions=info.has_robot,
        has_instruction=bool(info.instruction),
        intrinsics_source=_intrinsics_source(info),
        median_depth_m=info.median_depth_m or None,
        note=info.note,
        seconds_per_frame=seconds_per_frame,
        fps_hz=fps_hz or None,
        **_counts(tracks, samples, ledgers),
        **_measures(info, tracks, fps_hz),
    )
    return asdict(row)


def _counts(tracks: WorldTracks, samples: Samples | None, ledgers: Sequence[Ledger]) -> dict[str, Any]:
    n_rows = 0 if samples is None else samples.n_rows
    whole = {"frame": tracks.n_frames, "point": tracks.n_points, "pair": n_rows}  # if nobody kept a ledger
    n_in = whole | {ledger.level: ledger.n_in for ledger in ledgers}
    n_out = whole | {ledger.level: ledger.n_out for ledger in ledgers}
    return {
        "n_frames": tracks.n_frames,
        "n_slots": 0 if samples is None else samples.n_slots,
        "n_rows": n_rows,
        "n_points_total": tracks.n_points,
        "n_points_moving": int(tracks.is_moving.sum()),
        "n_entities_moving": len(np.unique(tracks.entity[tracks.is_moving])),
        "n_frames_in": n_in["frame"],
        "n_points_in": n_in["point"],
        "n_points_out": n_out["point"],
        "n_pairs_in": n_in["pair"],
        "dropped": {ledger.level: reasons_of(ledger) for ledger in ledgers},
    }


def _measures(info: ClipInfo, tracks: WorldTracks, fps_hz: float) -> dict[str, Any]:
    motion = motion_of(tracks, fps_hz)
    residuals = {name: float(value) for name, value in sorted(tracks.residuals.items()) if np.isfinite(value)}
    lives = np.ones(tracks.visible.shape, bool) if tracks.lives is None else tracks.lives
    has_points = bool(lives.any())
    return {
        "coverage": coverage(tracks.uv_px, tracks.visible, info.width_px, info.height_px),
        "median_reprojection_error_px": residuals.get("median_reprojection_error_px"),
        "p90_reprojection_error_px": residuals.get("p90_reprojection_error_px"),
        "pose_residual_px": residuals.get("pose_residual_px"),
        "static_jitter_m": residuals.get("static_jitter_m"),
        "moving_jitter_m": motion.jitter_m,
        "median_motion_m": motion.motion_m,
        "median_speed_m_s": motion.speed_m_s,
        "median_motion_px": motion.motion_px,
        "visible_share": float(tracks.visible[lives].mean()) if has_points else None,
        "moving_share": float(tracks.is_moving.mean()) if tracks.n_points else None,
        "mean_confidence": float(tracks.confidence[lives].mean()) if has_points else None,
        "residuals": residuals,
    }


def with_lens(info: ClipInfo, intrinsics_source: str) -> ClipInfo:
    """The clip as the reconstruction saw it, which may have had to find the lens; empty: the clip's own."""
    return replace(info, intrinsics_source=intrinsics_source) if intrinsics_source else info


def _intrinsics_source(info: ClipInfo) -> str:
    if info.has_intrinsics and info.intrinsics_source == "none":
        return "data"  # clips from before the field existed
    return info.intrinsics_source


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
