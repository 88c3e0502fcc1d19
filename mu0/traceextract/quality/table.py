"""quality.parquet with its sisters sources.parquet and drops.parquet, and the totals beside them.

Column types are fixed, so that a table of failures only still has the columns that checks look for. Wall
times differ from run to run and appear in the totals only.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from statistics import fmean, median

import pandas as pd

from mu0.traceextract.quality.drops import FAILED, drops_table, sources_table
from mu0.traceextract.quality.row import QualityRow

COLUMN_TYPES = {"str": "str", "bool": "bool", "int": "int64", "float | None": "float64", "Status": "str"}
LEFT_OUT = ("seconds_per_frame", "residuals", "dropped")
RESIDUALS = (
    "depth_noise_m", "n_jumps_cut", "jittery_share", "pose_inlier_share", "n_pose_lost", "n_pose_recognised",
    "explained_motion_share", "moving_picture_share", "camera_moves_share", "still_points_share",
    "motion_doubtful",
)  # fmt: skip


def write_quality(folder: Path, rows: Sequence[QualityRow], index: pd.DataFrame) -> tuple[Path, ...]:
    """Write quality.parquet, sources.parquet and drops.parquet into `folder`, which exists.

    Args:
        folder: Goal.
        rows: One per clip that could be read.
        index: data/raw_videos/index.parquet, which also knows the clips that could not.

    Returns:
        The files.
    """
    counted = _with_frames(rows, index)
    tables = {
        "quality.parquet": quality_table(counted),
        "sources.parquet": sources_table(counted, index),
        "drops.parquet": drops_table(counted, index),
    }
    for name, table in tables.items():
        table.to_parquet(folder / name, index=False)
    return tuple(folder / name for name in tables)


def _with_frames(rows: Sequence[QualityRow], index: pd.DataFrame) -> list[QualityRow]:
    """Failed clips say nothing about their frames; the index does."""
    n_frames = {(str(clip["source"]), str(clip["clip_id"])): clip["n_frames"]
                for clip in index[index["status"] == "ok"].to_dict("records")}  # fmt: skip
    return [
        replace(row, n_frames_in=int(n_frames.get((row.source, row.clip_id), 0)))
        if row.status == FAILED
        else row
        for row in rows
    ]


def quality_table(rows: Sequence[QualityRow]) -> pd.DataFrame:
    """One line per clip: the fields of `QualityRow` but for wall time and drops, and `RESIDUALS`."""
    columns = {item.name: _column_type(item.type) for item in fields(QualityRow) if item.name not in LEFT_OUT}
    columns |= dict.fromkeys(RESIDUALS, "float64")
    lines = [{name: row.residuals.get(name) for name in RESIDUALS} | asdict(row) for row in rows]
    return pd.DataFrame(lines, columns=list(columns)).astype(columns)


def _column_type(annotation: object) -> str:
    if isinstance(annotation, type):
        return COLUMN_TYPES[annotation.__name__]
    return "float64" if "float" in str(annotation) else "str"


def summary(rows: Sequence[QualityRow]) -> dict[str, object]:
    """Totals over all clips; n_clips = n_ok + n_failed + n_rejected."""
    ok = [row for row in rows if row.status == "ok"]
    reasons: dict[str, int] = {}
    for row in rows:
        if row.status != "ok":
            reasons[row.reason] = reasons.get(row.reason, 0) + 1
    return {
        "n_clips": len(rows),
        "n_ok": len(ok),
        "n_failed": sum(row.status == "failed" for row in rows),
        "n_rejected": sum(row.status == "rejected" for row in rows),
        "reasons": reasons,
        "n_3d": sum(row.is_3d for row in ok),
        "n_frames": sum(row.n_frames for row in ok),
        "n_slots": sum(row.n_slots for row in ok),
        "n_rows": sum(row.n_rows for row in ok),
        "n_points_total": sum(row.n_points_total for row in ok),
        "n_points_moving": sum(row.n_points_moving for row in ok),
        "mean_coverage": _mean([row.coverage for row in ok]),
        "median_reprojection_error_px": _median([row.median_reprojection_error_px for row in ok]),
        "median_static_jitter_m": _median([row.static_jitter_m for row in ok]),
        "median_seconds_per_frame": _median([row.seconds_per_frame for row in ok]),
        "median_moving_jitter_m": _median([row.moving_jitter_m for row in ok]),
        "dropped": _dropped(rows),
        "seconds_per_frame_of_source": {
            name: _median([row.seconds_per_frame for row in ok if row.source == name])
            for name in sorted({row.source for row in ok})
        },
    }


def _dropped(rows: Sequence[QualityRow]) -> dict[str, dict[str, int]]:
    """Counts over all clips by level and reason."""
    total: dict[str, dict[str, int]] = {}
    for row in rows:
        for level, reasons in row.dropped.items():
            for reason, count in reasons.items():
                of_level = total.setdefault(level, {})
                of_level[reason] = of_level.get(reason, 0) + count
    return total


def _known(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None and value == value]  # noqa: PLR0124  NaN


def _mean(values: list[float | None]) -> float | None:
    return fmean(known) if (known := _known(values)) else None


def _median(values: list[float | None]) -> float | None:
    return median(known) if (known := _known(values)) else None
