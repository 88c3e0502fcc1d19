"""drops.parquet and sources.parquet: what every source gave, what came of it, and what was dropped and why.

A dropped clip takes everything with it that had survived the earlier levels, so that over a source, on every
level, input = what the episodes hold + all drops. Clips whose video could not be read are counted too; they
have no row in quality.parquet.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from mu0.traceextract.quality.ledger import LEVELS, Ledger
from mu0.traceextract.quality.row import QualityRow

DROP_COLUMNS = {
    "source": "str", "clip_id": "str", "level": "str", "reason": "str", "count": "int64", "detail": "str",
}  # fmt: skip
UNREADABLE, FAILED, REJECTED = "unreadable", "failed", "rejected"
SUMS = (
    "n_frames_in", "n_frames", "n_points_in", "n_points_out", "n_points_moving", "n_pairs_in", "n_rows",
    "n_slots",
)  # fmt: skip
MEDIANS = (
    "coverage", "median_reprojection_error_px", "pose_residual_px", "static_jitter_m", "moving_jitter_m",
    "visible_share", "moving_share", "mean_confidence", "median_motion_m", "median_speed_m_s",
    "median_motion_px", "fps_hz", "median_depth_m",
)  # fmt: skip
OUT_COLUMN = {"clip": "n_ok", "frame": "n_frames", "point": "n_points_out", "pair": "n_rows"}


def drops_table(rows: Sequence[QualityRow], index: pd.DataFrame) -> pd.DataFrame:
    """One line per clip, level and reason; `index` is data/raw_videos/index.parquet."""
    lines = [
        dict(zip(DROP_COLUMNS, (clip["source"], clip["clip_id"], "clip", UNREADABLE, 1, clip["reason"]),
                 strict=True))
        for clip in unreadable(index).to_dict("records")
    ]  # fmt: skip
    for row in rows:
        lines += [
            {"source": row.source, "clip_id": row.clip_id, "level": level, "reason": reason, "count": count,
             "detail": row.reason if level == "clip" else ""}
            for level, reason, count in _drops_of(row)
        ]  # fmt: skip
    table = pd.DataFrame(lines, columns=list(DROP_COLUMNS)).astype(DROP_COLUMNS)
    return table.sort_values(["source", "clip_id", "level", "reason"], ignore_index=True)


def unreadable(index: pd.DataFrame) -> pd.DataFrame:
    """The clips whose video never became one."""
    return index[index["status"] != "ok"]


def _drops_of(row: QualityRow) -> Iterator[tuple[str, str, int]]:
    if row.status != "ok":
        yield "clip", row.status, 1
    for ledger in row.ledgers:
        for reason, count in sorted(ledger.dropped.items()):
            if count:
                yield ledger.level, reason, count
        survivors = ledger.n_in - sum(ledger.dropped.values()) if row.status == FAILED else ledger.n_out
        if row.status != "ok" and survivors:
            yield ledger.level, f"clip_{row.status}", survivors


def sources_table(rows: Sequence[QualityRow], index: pd.DataFrame) -> pd.DataFrame:
    """One line per source: counts, medians over its episodes, capabilities, and what is unaccounted for."""
    drops = drops_table(rows, index)
    names = sorted({*(row.source for row in rows), *index["source"].astype(str)})
    lines = [_source_line(name, [row for row in rows if row.source == name], index, drops) for name in names]
    columns = list(_source_line("", [], index.iloc[:0], drops))  # an empty table has them too
    return pd.DataFrame(lines, columns=columns)


def _source_line(
    name: str, rows: list[QualityRow], index: pd.DataFrame, drops: pd.DataFrame
) -> dict[str, Any]:
    ok = [row for row in rows if row.status == "ok"]
    clips = index[index["source"].astype(str) == name]
    lost = drops[drops["source"] == name].groupby("level")["count"].sum().to_dict()
    line: dict[str, Any] = {
        "source": name,
        "n_clips": len(clips),
        "n_unreadable": len(unreadable(clips)),
        "n_failed": sum(row.status == FAILED for row in rows),
        "n_rejected": sum(row.status == REJECTED for row in rows),
        "n_ok": len(ok),
    }
    # what went in counts for every clip, what came out for episodes only
    for column in SUMS:
        line[column] = sum(getattr(row, column) for row in (rows if column.endswith("_in") else ok))
    line["n_frames_in"] = int(clips.loc[clips["status"] == "ok", "n_frames"].sum())
    line |= {column: _median(getattr(row, column) for row in ok) for column in MEDIANS}
    line |= {
        "n_3d": sum(row.is_3d for row in ok),
        "n_with_poses": sum(row.pose_source != "none" for row in ok),
        "n_with_actions": sum(row.has_actions for row in ok),
        "n_with_instruction": sum(row.has_instruction for row in ok),
        "intrinsics_sources": _names(row.intrinsics_source for row in ok),
        "licences": _names(row.licence or "unknown" for row in ok),
    }
    inputs = {"clip": len(clips), "frame": line["n_frames_in"], "point": line["n_points_in"],
              "pair": line["n_pairs_in"]}  # fmt: skip
    for level in LEVELS:
        ledger = Ledger(level, inputs[level], line[OUT_COLUMN[level]], {"all": int(lost.get(level, 0))})
        line[f"n_{level}s_dropped"] = int(lost.get(level, 0))
        line[f"n_{level}s_unaccounted"] = ledger.n_unaccounted
    return line


def _median(values: Iterator[float | None]) -> float:
    return float(pd.Series([value for value in values if value is not None], dtype="float64").median())


def _names(values: Iterator[str]) -> str:
    return ", ".join(sorted(set(values)))
