"""What is known about an episode, in words: for the heads and tables of its page."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mu0.episodes.read import Episode
from mu0.episodes.sidecar import ABSENT
from mu0.viewer.episode.pack import require_samples

GUESSED_LENS = {"assumed_fov": "lens assumed", "predicted": "lens predicted", "none": "lens unknown"}
POSES = {"given": "poses given", "odometry": "poses estimated (odometry)", "none": "no camera poses"}
MEASURED = {
    "coverage": ("coverage of the image", 100.0, "%"),
    "visible_share": ("points seen per frame", 100.0, "%"),
    "moving_share": ("points that move", 100.0, "%"),
    "median_reprojection_error_px": ("reprojection error, median", 1.0, "px"),
    "pose_residual_px": ("camera path, residual", 1.0, "px"),
    "n_pose_lost": ("frames at which the camera was lost", 1.0, ""),
    "depth_noise_m": ("noise of depth", 1000.0, "mm"),
    "n_jumps_cut": ("jumps cut out of tracks", 1.0, ""),
    "jittery_share": ("tracks that shake", 100.0, "%"),
    "static_jitter_m": ("points at rest wander by", 1000.0, "mm"),
    "moving_jitter_m": ("moving points shake by", 1000.0, "mm"),
    "median_motion_m": ("moving points get around, median", 100.0, "cm"),
    "median_motion_px": ("moving points get around, median", 1.0, "px"),
    "median_speed_m_s": ("speed, median", 100.0, "cm/s"),
    "mean_confidence": ("confidence, mean", 100.0, "%"),
    "explained_motion_share": ("of what moves, traces follow", 100.0, "%"),
}
DROPPED = {
    "rate": "left out for the rate", "no_depth": "without depth", "unexplained": "explained by no motion",
    "seen_too_rarely": "seen too rarely", "not_finite": "not finite", "static": "at rest",
    "off_screen": "outside the image", "behind_camera": "behind the camera", "too_far": "too far outside",
    "no_future": "without a future", "jump": "jumped",
    "stray": "sliding along an edge or moving alone", "slides": "sliding over what is still",
}  # fmt: skip
Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class Chip:
    """A short fact for the head of the page."""

    text: str
    kind: str = ""  # "good" and "flat" are coloured


def chips(episode: Episode) -> list[Chip]:
    """The facts that decide what an episode can be used for."""
    sidecar = episode.sidecar
    seconds = f", {episode.n_frames / sidecar.fps_hz:.1f} s" if sidecar.fps_hz else ""
    return [
        Chip("3-D traces, metres", "good") if episode.sidecar.is_3d else Chip("2-D only, pixels", "flat"),
        Chip(POSES.get(sidecar.pose_source, sidecar.pose_source)),
        Chip(f"{sidecar.fps_hz:.3g} Hz" if sidecar.fps_hz else "rate unknown"),
        Chip(f"{episode.n_frames:,} frames{seconds}"),
        Chip(f"{episode.size_px[1]}×{episode.size_px[0]} px"),
        Chip(f"licence: {sidecar.licence or 'unknown'}"),
        *([Chip(lens, "flat")] if sidecar.is_3d and (lens := _lens(episode)) else []),
        *([Chip("simulated")] if sidecar.simulated else []),
    ]


def fact_tables(episode: Episode) -> dict[str, Rows]:
    """Tables by title; what is not known is not shown."""
    tables = {"Episode": _origin(episode), "Traces": _traces(episode)}
    quality = quality_of(episode)
    if quality is not None:
        measured = [
            (name, f"{scale * float(quality[key]):.3g} {unit}")
            for key, (name, scale, unit) in MEASURED.items()
            if key in quality and pd.notna(quality[key])
        ]
        tables["Quality"] = measured
        if dropped := _dropped(episode):
            tables["Left out on the way"] = dropped
    return tables


def _lens(episode: Episode) -> str:
    """What to know about the intrinsics; empty if they were measured."""
    if "cameras" in episode.sidecar.absent:
        return "lens assumed"
    return GUESSED_LENS.get(episode.sidecar.intrinsics_source, "")


def _origin(episode: Episode) -> Rows:
    sidecar = episode.sidecar
    rows = [
        ("source", sidecar.source),
        ("clip", sidecar.clip_id),
        ("scene", sidecar.scene_id),
        ("embodiment", sidecar.embodiment),
        ("licence", sidecar.licence or "unknown"),
        ("camera poses", POSES.get(sidecar.pose_source, sidecar.pose_source)),
        (
            "focal length",
            f"{episode.intrinsics[0, 0, 0]:.1f} px" if episode.sidecar.is_3d else "not used",
        ),
        ("made with", ", ".join(f"{role}: {name}" for role, name in sorted(sidecar.backends.items()))),
        ("licences of weights", ", ".join(f"{n}: {text}" for n, text in sorted(sidecar.licences.items()))),
        ("lens", sidecar.intrinsics_source if sidecar.is_3d else ""),
        ("never had", ", ".join(ABSENT[name] for name in sidecar.absent)),
        ("folder", str(episode.folder)),
    ]
    first, last = sidecar.source_frames[0], sidecar.source_frames[-1]
    if (first, last) != (0, episode.n_frames - 1):
        rows.append(("frames of the video", f"{first} to {last}"))
    return [(name, value) for name, value in rows if value]


def _traces(episode: Episode) -> Rows:
    samples = require_samples(episode)
    rows = [
        ("anchor frames", f"{samples.n_slots:,}"),
        ("traces over all anchors", f"{samples.n_rows:,}"),
        ("entities", str(len(np.unique(samples.cluster_ids)))),
        ("seen at their anchor", f"{100 * float(np.mean(samples.visibs, dtype=np.float64)):.0f} %"),
        ("steps kept per trace", f"{samples.traj.shape[1]} forward, {samples.traj_history.shape[1]} back"),
    ]
    retiming = episode.sidecar.retiming
    if retiming is not None:
        rows.insert(2, ("tracks behind them", f"{len(np.unique(retiming.track_ids)):,}"))
        rows.append(("one step", f"{retiming.path_step:g} of the image or of a metre, along the path"))
    return rows


def quality_of(episode: Episode) -> pd.Series | None:
    """The episode's line in quality.parquet beside it; None if there is no such table."""
    table = _beside(episode, "quality.parquet")
    if table is None:
        return None
    is_here = (table["source"] == episode.sidecar.source) & (table["clip_id"] == episode.sidecar.clip_id)
    return table[is_here].iloc[0] if is_here.any() else None


def _dropped(episode: Episode) -> Rows:
    table = _beside(episode, "drops.parquet")
    if table is None:
        return []
    is_here = (table["source"] == episode.sidecar.source) & (table["clip_id"] == episode.sidecar.clip_id)
    many = {"frame": "frames", "point": "points", "pair": "point-at-anchor pairs", "clip": "clip"}
    return [
        (f"{many[row['level']]} {DROPPED.get(row['reason'], row['reason'])}", f"{row['count']:,}")
        for row in table[is_here].to_dict("records")
    ]


def _beside(episode: Episode, name: str) -> pd.DataFrame | None:
    path = Path(episode.folder).resolve().parents[1] / name
    return pd.read_parquet(path) if path.is_file() else None
