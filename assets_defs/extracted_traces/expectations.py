"""Episodes: most clips became one, nothing vanished in silence, keypoints stay on their pixels."""

from pathlib import Path

import pandas as pd

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    CRITICAL,
    WARNING,
    Suite,
    between,
    facts,
    in_set,
    known,
    mostly_between,
    mostly_in_set,
    n_rows,
    not_blank,
    true,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import is_true, read_table
from assets_defs.extracted_traces.accounts import account_suites
from assets_defs.sections import section

LARGEST_PX = 8192.0  # no picture is wider, so no error within one is larger
LARGEST_JITTER_M = 100.0  # no clip of a hand or a robot has a point that jumps so far
MAX_MOVING_JITTER_M = 0.01  # frame to frame, of points that move; more warns
MAX_POSE_RESIDUAL_PX = 2.0  # of an estimated camera path; more warns
AT_LEAST_ONE = ("n_slots", "n_rows", "n_points_total")
COUNTS = ("n_points_moving", "n_frames", "n_points_out")


def suites(root: Path) -> list[Suite]:
    """Suites about quality.parquet, sources.parquet and drops.parquet of data/extracted_traces."""
    limits = section("checks", ChecksParams, root)
    folder = root / "data/extracted_traces"
    clips = read_quality(folder)
    ok = clips[clips["status"] == "ok"]
    folders = [folder / source / clip_id for source, clip_id in _keys(ok)]
    n_missing = sum(not path.is_dir() for path in folders)
    return [
        Suite("all_clips", clips, [
            *unique_together("source", "clip_id"),
            *known("scene_id", "reason"),
            *between("n_points_in", 0),
            *between("n_pairs_in", 0),
            *mostly_in_set("status", ["ok"], mostly=limits.min_episode_ok_share,
                           among=["ok", "failed", "rejected"]),
        ]),
        Suite("episodes", ok, [
            *n_rows(limits.min_clips),
            *not_blank("scene_id"),
            *(each for name in AT_LEAST_ONE for each in between(name, 1)),
            *(each for name in COUNTS for each in between(name, 0)),
            *mostly_between("coverage", limits.min_coverage, 1.0, mostly=0.9, never_outside=(0.0, 1.0),
                            severity=WARNING),
            *between("coverage", 0.0, 1.0),
            *between("visible_share", 0.0, 1.0),
            *between("moving_share", 0.0, 1.0),
            *in_set("pose_source", ["given", "odometry", "none"]),
            *in_set("is_3d", [True, False]),
            *in_set("has_depth", [True, False]),
        ]),
        Suite("episodes_with_depth", ok[is_true(ok["has_depth"])],
              true("is_3d", severity=WARNING), may_be_empty="no clip has depth"),
        *_suites_in_3d(ok[is_true(ok["is_3d"])], limits.max_reprojection_error_px,
                       limits.max_static_jitter_m),
        Suite("folders", facts(n_missing=float(n_missing)), between("n_missing", 0, 0)),
        *account_suites(folder, clips),
    ]  # fmt: skip


def read_quality(folder: Path) -> pd.DataFrame:
    """One row per clip, with the columns that the suites rely on."""
    return read_table(
        folder / "quality.parquet",
        numbers=(
            *AT_LEAST_ONE, *COUNTS, "n_points_in", "n_pairs_in", "coverage", "visible_share", "moving_share",
            "median_reprojection_error_px", "static_jitter_m", "moving_jitter_m", "pose_residual_px",
        ),
        flags=("is_3d", "has_depth"),
        texts=("clip_id", "source", "scene_id", "status", "reason", "pose_source", "intrinsics_source"),
    )  # fmt: skip


def _suites_in_3d(
    episodes: pd.DataFrame, max_reprojection_px: float, max_still_jitter_m: float
) -> list[Suite]:
    """Each measure where it can be taken: jitter needs points, a residual an estimated path."""
    n_still = episodes["n_points_total"] - episodes["n_points_moving"]
    measures = {
        "median_reprojection_error_px": (episodes, max_reprojection_px, LARGEST_PX, CRITICAL),
        "static_jitter_m": (episodes[n_still > 0], max_still_jitter_m, LARGEST_JITTER_M, WARNING),
        "moving_jitter_m": (episodes[episodes["n_points_moving"] > 0], MAX_MOVING_JITTER_M, LARGEST_JITTER_M,
                            WARNING),
        "pose_residual_px": (episodes[episodes["pose_source"] == "odometry"], MAX_POSE_RESIDUAL_PX,
                             LARGEST_PX, WARNING),
    }  # fmt: skip
    return [
        Suite("intrinsics", episodes, in_set("intrinsics_source", ["data", "calibration"], severity=WARNING),
              may_be_empty="no episode is in 3-D"),
        *(
            Suite(name, table, mostly_between(name, 0.0, limit, mostly=0.9, severity=severity,
                                              never_outside=(0.0, absurd)),
                  may_be_empty="no episode has what this is measured on")
            for name, (table, limit, absurd, severity) in measures.items()
        ),
    ]  # fmt: skip


def _keys(clips: pd.DataFrame) -> list[tuple[str, str]]:
    return [
        (str(source), str(clip_id)) for source, clip_id in zip(clips["source"], clips["clip_id"], strict=True)
    ]
