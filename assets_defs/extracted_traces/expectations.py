"""Episodes: most clips became one, nothing vanished in silence, keypoints stay on their pixels."""

from pathlib import Path

import pandas as pd

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    has_columns,
    in_set,
    n_rows,
    not_blank,
    unique,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import read_table
from assets_defs.sections import section

LEVELS = ("clip", "frame", "point", "pair")  # of mu0.traceextract.quality.ledger
MAX_DROPPED_POINTS = 0.5  # of the chosen keypoints of an episode; more warns
MAX_MOVING_JITTER_M = 0.01  # frame to frame, of points that move; more warns
MAX_POSE_RESIDUAL_PX = 2.0  # of an estimated camera path; more warns


def suites(root: Path) -> list[Suite]:
    """Suites about quality.parquet, sources.parquet and drops.parquet of data/extracted_traces."""
    limits = section("checks", ChecksParams, root)
    folder = root / "data/extracted_traces"
    clips = read_table(folder / "quality.parquet")
    ok = clips[clips["status"] == "ok"]
    in_3d = ok[ok["is_3d"].astype(bool)]
    folders = [
        folder / source / clip_id
        for source, clip_id in zip(ok["source"].astype(str), ok["clip_id"].astype(str), strict=True)
    ]
    n_missing = sum(not path.is_dir() for path in folders)
    return [
        Suite("all_clips", clips, [
            *has_columns("clip_id", "source", "scene_id", "status", "reason", "is_3d", "pose_source"),
            unique_together("source", "clip_id"),
            in_set("status", ["ok", "failed", "rejected"]),
            in_set("status", ["ok"], mostly=limits.min_episode_ok_share),
        ]),
        Suite("episodes", ok, [
            n_rows(limits.min_clips),
            between("n_slots", 1, None),
            between("n_rows", 1, None),
            between("n_points_total", 1, None),
            between("coverage", 0.0, 1.0),
            between("coverage", limits.min_coverage, 1.0, mostly=0.9, severity=WARNING),
            between("visible_share", 0.0, 1.0),
            between("moving_share", 0.0, 1.0),
            in_set("pose_source", ["given", "odometry", "none"]),
        ]),
        Suite("episodes_3d", in_3d, [
            between("median_reprojection_error_px", 0.0, limits.max_reprojection_error_px, mostly=0.9),
            between("static_jitter_m", 0.0, limits.max_static_jitter_m, mostly=0.9, severity=WARNING),
            between("moving_jitter_m", 0.0, MAX_MOVING_JITTER_M, mostly=0.9, severity=WARNING),
            between("pose_residual_px", 0.0, MAX_POSE_RESIDUAL_PX, mostly=0.9, severity=WARNING),
            in_set("intrinsics_source", ["data", "calibration"], severity=WARNING),
        ]),
        Suite("folders", facts(n_missing=float(n_missing)), [between("n_missing", 0, 0)]),
        *_accounts(root, clips),
    ]  # fmt: skip


def _accounts(root: Path, clips: pd.DataFrame) -> list[Suite]:
    """On every level, what went in came out or was dropped with a reason.

    `n_clips` and `n_frames_in` of sources.parquet come from the index of raw videos.
    """
    folder = root / "data/extracted_traces"
    sources, drops = read_table(folder / "sources.parquet"), read_table(folder / "drops.parquet")
    ok = clips[clips["status"] == "ok"]
    counts = {
        "clips_that_vanished": int(sources["n_clips"].sum() - len(ok) - _dropped(drops, "clip")),
        "frames_that_vanished": int(sources["n_frames_in"].sum() - ok["n_frames"].sum()
                                    - _dropped(drops, "frame")),
        "points_that_vanished": int(clips["n_points_in"].sum() - ok["n_points_out"].sum()
                                    - _dropped(drops, "point")),
        "pairs_that_vanished": int(clips["n_pairs_in"].sum() - ok["n_rows"].sum() - _dropped(drops, "pair")),
    }  # fmt: skip
    dropped = drops[drops["level"] == "point"].groupby(["source", "clip_id"])["count"].sum()
    keys = pd.MultiIndex.from_frame(ok[["source", "clip_id"]].astype(str))
    lost = dropped.reindex(keys, fill_value=0).to_numpy() / ok["n_points_in"].clip(lower=1).to_numpy()
    return [
        Suite("accounts", facts(**{name: float(count) for name, count in counts.items()}),
              [between(name, 0, 0) for name in counts]),
        Suite("sources", sources, [
            unique("source"),
            *[between(f"n_{level}s_unaccounted", 0, 0) for level in LEVELS],
        ]),
        Suite("drops", drops, [
            unique_together("source", "clip_id", "level", "reason"),
            in_set("level", list(LEVELS)),
            between("count", 1, None),
            not_blank("reason"),
        ]),
        Suite("dropped_points", pd.DataFrame({"share": lost}),
              [between("share", 0.0, MAX_DROPPED_POINTS, mostly=0.9, severity=WARNING)]),
    ]  # fmt: skip


def _dropped(drops: pd.DataFrame, level: str) -> int:
    return int(drops.loc[drops["level"] == level, "count"].sum())
