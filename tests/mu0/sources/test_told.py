"""What a collection tells: rates, depths and cameras by source, and each note once."""

import pandas as pd

from mu0.sources.told import MOST_NOTES, lines_of


def row(number: int, **more: object) -> dict[str, object]:
    usual = {"source": "phone", "clip_id": f"c{number}", "status": "ok", "reason": "", "fps_hz": 30.0,
             "median_depth_m": 0.0, "intrinsics_source": "none"}  # fmt: skip
    return usual | more


def test_sources_and_notes_are_told_once() -> None:
    rows = [
        row(0, median_depth_m=1.5, intrinsics_source="data", reason="not used: imu.csv"),
        row(1, fps_hz=10.0, reason="not used: imu.csv"),
        row(2, source="wrist", median_depth_m=0.0),
        row(3, status="failed", reason="broken"),
    ]
    assert list(lines_of(pd.DataFrame(rows))) == [
        "phone: 2 clips; 10 to 30 Hz; depth 1.5 m; camera data, none",
        "wrist: 1 clips; 30 Hz; no depth; camera none",
        "phone/c0 and 1 more: not used: imu.csv",
    ]


def test_very_many_notes_are_counted() -> None:
    told = list(lines_of(pd.DataFrame([row(n, reason=f"note {n}") for n in range(MOST_NOTES + 3)])))
    assert told[-1] == "3 more notes stand in the column reason of index.parquet"
