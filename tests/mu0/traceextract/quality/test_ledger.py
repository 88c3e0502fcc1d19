"""Ledgers: everything that goes in comes out or is dropped with a reason, from the index to the rows."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mu0.params.extract import ExtractParams
from mu0.traceextract.engine import extract_clip, extract_episode
from mu0.traceextract.quality.drops import drops_table, sources_table
from mu0.traceextract.quality.ledger import Ledger, reasons_of
from mu0.traceextract.quality.row import QualityRow
from mu0.traceextract.quality.table import quality_table, write_quality
from tests.mu0.traceextract import square_scene as scene

PARAMS = ExtractParams(n_keypoints=60, workers=1)
OK = QualityRow(
    "a", "phone", "a", "unknown", simulated=False, status="ok",
    n_frames_in=20, n_frames=10, n_points_in=50, n_points_out=44, n_pairs_in=400, n_rows=90, coverage=0.5,
    dropped={"frame": {"rate": 10}, "point": {"no_depth": 5, "jump": 1},
             "pair": {"static": 300, "off_screen": 10}},
)  # fmt: skip
REJECTED = replace(
    OK, clip_id="b", status="rejected", reason="nothing moves", n_rows=0, n_pairs_in=0,
    dropped={"frame": {"rate": 10}, "point": {"no_depth": 6}},
)  # fmt: skip
FAILED = QualityRow(
    "c",
    "phone",
    "c",
    "unknown",
    simulated=False,
    status="failed",
    reason="SourceError: broken",
    n_frames_in=30,
)
INDEX = pd.DataFrame(
    [
        {"source": "phone", "clip_id": name, "status": status, "reason": reason, "n_frames": n_frames}
        for name, status, reason, n_frames in [
            ("a", "ok", "", 20), ("b", "ok", "", 20), ("c", "ok", "", 30), ("d", "failed", "not a video", 0),
        ]
    ]
)  # fmt: skip
ROWS = [OK, REJECTED, FAILED]


@pytest.mark.parametrize("kind", [{}, {"moves": False}, {"depth": False, "poses": False}])
def test_the_engine_accounts_for_every_frame_point_and_pair(kind: dict[str, bool]) -> None:
    _, _, row = extract_clip(scene.clip_of(scene.footage(**kind)), PARAMS)
    ledgers = QualityRow(**row).ledgers
    assert [ledger.n_unaccounted for ledger in ledgers] == [0, 0, 0]
    assert all(ledger.n_in > 0 for ledger in ledgers)


def test_frames_left_out_for_the_rate_are_counted() -> None:
    _, _, row = extract_clip(scene.clip_of(scene.footage()), PARAMS.model_copy(update={"target_fps_hz": 5.0}))
    frames = QualityRow(**row).ledgers[0]
    assert frames.n_in == scene.N_FRAMES
    assert frames.dropped == {"rate": scene.N_FRAMES - frames.n_out}
    assert row["fps_hz"] == 5.0


def test_windows_add_up() -> None:
    total = Ledger("pair", 10, 6, {"static": 4}) + Ledger("pair", 5, 1, {"off_screen": 3, "static": 1})
    assert total == Ledger("pair", 15, 7, {"off_screen": 3, "static": 5})
    assert total.n_unaccounted == 0


def test_reasons_come_most_frequent_first_and_without_zeros() -> None:
    assert list(reasons_of(Ledger("pair", 9, 0, {"b": 2, "a": 2, "none": 0, "c": 5}))) == ["c", "a", "b"]


def test_over_a_source_input_equals_episodes_plus_drops_on_every_level() -> None:
    line = sources_table(ROWS, INDEX).iloc[0]
    assert line["n_clips"] == 4
    assert (line["n_ok"], line["n_rejected"], line["n_failed"], line["n_unreadable"]) == (1, 1, 1, 1)
    for level, n_in, n_out in [
        ("clip", "n_clips", "n_ok"),
        ("frame", "n_frames_in", "n_frames"),
        ("point", "n_points_in", "n_points_out"),
        ("pair", "n_pairs_in", "n_rows"),
    ]:
        assert line[n_in] == line[n_out] + line[f"n_{level}s_dropped"]
        assert line[f"n_{level}s_unaccounted"] == 0


def test_whatever_is_not_accounted_for_shows() -> None:
    wrong = replace(OK, n_points_out=43)
    line = sources_table([wrong, REJECTED, FAILED], INDEX).iloc[0]
    assert line["n_points_unaccounted"] == 1
    assert sources_table(ROWS[:2], INDEX).iloc[0]["n_clips_unaccounted"] == 1  # a clip that vanished


def test_a_dropped_clip_takes_its_frames_and_points_along_and_says_why() -> None:
    table = drops_table(ROWS, INDEX).set_index(["clip_id", "level", "reason"])
    assert table.loc[("d", "clip", "unreadable"), "detail"] == "not a video"
    assert table.loc[("b", "clip", "rejected"), "detail"] == "nothing moves"
    assert table.loc[("b", "point", "clip_rejected"), "count"] == 44
    assert table.loc[("c", "frame", "clip_failed"), "count"] == 30
    assert table.loc[("a", "pair", "static"), "count"] == 300


def test_random_clips_add_up(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows, clips = [], []
    for number in range(60):
        status = str(rng.choice(["ok", "rejected", "failed", "unreadable"]))
        source, name = f"s{rng.integers(3)}", f"{number:03d}"
        n_in = int(rng.integers(2, 99))
        readable = status != "unreadable"
        clips.append({"source": source, "clip_id": name, "status": "ok" if readable else "failed",
                      "reason": "", "n_frames": n_in if readable else 0})  # fmt: skip
        if readable:
            kept, points, gone = (int(rng.integers(0, n_in)) for _ in range(3))
            dropped = {
                "frame": {"rate": n_in - kept},
                "point": {"jump": gone},
                "pair": {"static": 7, "x": gone},
            }
            done = {"n_frames": kept, "n_points_in": points + gone, "n_points_out": points,
                    "n_pairs_in": points + 7 + gone, "n_rows": points, "n_frames_in": n_in,
                    "dropped": dropped} if status != "failed" else {}  # fmt: skip
            rows.append(
                QualityRow(name, source, "", "", simulated=False, status=status, reason=status, **done)
            )  # type: ignore[arg-type]
    write_quality(tmp_path, rows, pd.DataFrame(clips))
    sources = pd.read_parquet(tmp_path / "sources.parquet")
    drops = pd.read_parquet(tmp_path / "drops.parquet")
    quality = pd.read_parquet(tmp_path / "quality.parquet")
    assert (sources[[f"n_{level}s_unaccounted" for level in ("clip", "frame", "point", "pair")]] == 0).all(
        axis=None
    )
    frames = drops[drops["level"] == "frame"]["count"].sum()
    assert (
        sum(clip["n_frames"] for clip in clips)
        == quality[quality["status"] == "ok"]["n_frames"].sum() + frames
    )


def test_tables_have_their_columns_even_when_empty() -> None:
    empty = INDEX.iloc[:0]
    assert list(drops_table([], empty).columns) == ["source", "clip_id", "level", "reason", "count", "detail"]
    assert {"n_clips", "n_points_unaccounted", "coverage"} <= set(sources_table([], empty).columns)
    assert "dropped" not in quality_table([]).columns


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"mode": "traceforge"}, marks=[pytest.mark.slow, pytest.mark.shapes]),
        {"window_frames": 14, "lookahead_frames": 4, "future_len": 4, "history_len": 2},
    ],
)
def test_windows_and_grids_account_for_everything_too(tmp_path: Path, how: dict[str, object]) -> None:
    row = extract_episode(scene.clip_of(scene.footage()), PARAMS.model_copy(update=how), tmp_path)
    assert row["status"] == "ok"
    assert [ledger.n_unaccounted for ledger in QualityRow(**row).ledgers] == [0, 0, 0]
