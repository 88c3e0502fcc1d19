"""Clips: enough of them could be read, with sizes and rates that make sense; the demonstrator succeeds."""

from pathlib import Path

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    has_columns,
    in_set,
    n_rows,
    not_null,
    true,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import read_table
from assets_defs.sections import section

SMALLEST_PX = 16
LARGEST_PX = 8192
LARGEST_FPS_HZ = 1000.0


def suites(root: Path) -> list[Suite]:
    """Suites about data/raw_videos/index.parquet."""
    limits = section("checks", ChecksParams, root)
    clips = read_table(root / "data/raw_videos/index.parquet")
    ok = clips[clips["status"] == "ok"]
    robot = ok[ok["simulated"].astype(bool) & (ok["embodiment"] == "ur3")]
    success = robot["demonstrator_success"].astype("float64").dropna()
    return [
        Suite("all_clips", clips, [
            *has_columns("clip_id", "source", "status", "reason", "instruction", "scene_id", "embodiment"),
            unique_together("source", "clip_id"),
            in_set("status", ["ok", "failed"]),
            in_set("status", ["ok"], mostly=limits.min_clip_ok_share),
        ]),
        Suite("readable_clips", ok, [
            n_rows(limits.min_clips),
            not_null("scene_id"),
            between("fps_hz", 0.1, LARGEST_FPS_HZ),
            between("n_frames", 2, None),
            between("width_px", SMALLEST_PX, LARGEST_PX),
            between("height_px", SMALLEST_PX, LARGEST_PX),
            true("has_depth", severity=WARNING),
        ]),
        Suite("demonstrator", facts(success_share=float(success.mean()) if len(success) else 1.0), [
            between("success_share", limits.min_demonstrator_success, 1.0),
        ]),
    ]  # fmt: skip
