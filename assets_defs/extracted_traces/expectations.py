"""Episodes: most clips became one, keypoints stay on their pixels, and enough of them move."""

from pathlib import Path

from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    has_columns,
    in_set,
    n_rows,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import read_table
from mu0.params import Params


def suites(root: Path, params: Params) -> list[Suite]:
    """Suites about data/extracted_traces/quality.parquet."""
    limits = params.checks
    clips = read_table(root / "data/extracted_traces/quality.parquet")
    ok = clips[clips["status"] == "ok"]
    in_3d = ok[ok["is_3d"].astype(bool)]
    folders = [
        root / "data/extracted_traces" / source / clip_id
        for source, clip_id in zip(ok["source"].astype(str), ok["clip_id"].astype(str), strict=True)
    ]
    n_missing = sum(not folder.is_dir() for folder in folders)
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
        ]),
        Suite("folders", facts(n_missing=float(n_missing)), [between("n_missing", 0, 0)]),
    ]  # fmt: skip
