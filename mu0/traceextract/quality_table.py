"""quality.parquet, and the totals that are reported beside it.

Column types are fixed, so that a table of failures only still has the columns that checks look for. Wall
times differ from run to run and appear in the totals only.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from statistics import fmean, median

import pandas as pd

from mu0.traceextract.quality_row import QualityRow

COLUMN_TYPES = {"str": "str", "bool": "bool", "int": "int64", "float | None": "float64", "Status": "str"}
LEFT_OUT = "seconds_per_frame"


def quality_table(rows: Sequence[QualityRow]) -> pd.DataFrame:
    """One line per clip, columns as the fields of `QualityRow` without its wall time."""
    columns = {item.name: _column_type(item.type) for item in fields(QualityRow) if item.name != LEFT_OUT}
    table = pd.DataFrame([asdict(row) for row in rows], columns=list(columns))
    return table.astype(columns)


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
    }


def _known(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None and value == value]  # noqa: PLR0124  NaN


def _mean(values: list[float | None]) -> float | None:
    return fmean(known) if (known := _known(values)) else None


def _median(values: list[float | None]) -> float | None:
    return median(known) if (known := _known(values)) else None
