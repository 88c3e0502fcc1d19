"""Clips: enough of them could be read, with sizes and rates that make sense; the demonstrator succeeds."""

from pathlib import Path

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    in_set,
    known,
    mostly_in_set,
    n_rows,
    not_blank,
    true,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import is_true, read_table
from assets_defs.sections import section

SMALLEST_PX = 16
LARGEST_PX = 8192
LARGEST_FPS_HZ = 1000.0


def suites(root: Path) -> list[Suite]:
    """Suites about data/raw_videos/index.parquet."""
    limits = section("checks", ChecksParams, root)
    clips = read_table(
        root / "data/raw_videos/index.parquet",
        numbers=("fps_hz", "n_frames", "width_px", "height_px"),
        flags=("has_depth", "has_poses", "has_robot", "simulated", "demonstrator_success"),
        texts=("clip_id", "source", "status", "reason", "instruction", "scene_id", "embodiment"),
    )
    ok = clips[clips["status"] == "ok"]
    demonstrated = ok[is_true(ok["simulated"]) & (ok["embodiment"] == "ur3")]
    return [
        Suite("all_clips", clips, [
            *unique_together("source", "clip_id"),
            *known("reason", "simulated"),
            *mostly_in_set("status", ["ok"], mostly=limits.min_clip_ok_share, among=["ok", "failed"]),
        ]),
        Suite("readable_clips", ok, [
            *n_rows(limits.min_clips),
            *not_blank("scene_id", "embodiment"),
            *known("instruction", "has_poses", "has_robot"),
            *between("fps_hz", 0.1, LARGEST_FPS_HZ),
            *between("n_frames", 2),
            *between("width_px", SMALLEST_PX, LARGEST_PX),
            *between("height_px", SMALLEST_PX, LARGEST_PX),
            *in_set("has_depth", [True, False]),
            *true("has_depth", severity=WARNING),
        ]),
        Suite("demonstrator", demonstrated, [
            *mostly_in_set("demonstrator_success", [True], among=[True, False],
                           mostly=limits.min_demonstrator_success),
        ], may_be_empty="no robot was simulated"),
    ]  # fmt: skip
