"""Checks of captions: failed texts do not count, and models that fail often are a warning."""

from pathlib import Path

import pandas as pd
import pytest

pytestmark = pytest.mark.slow  # importing Great Expectations takes seconds
TEXTS = {"instruction_1": "a b", "instruction_2": "a b", "instruction_3": "a b"}
NOTHING = dict.fromkeys(TEXTS, "")


def _facts(tmp_path: Path, rows: list[dict[str, object]]) -> tuple[pd.DataFrame, dict[str, float]]:
    from assets_defs.captions.expectations import suites

    root = tmp_path / "project"
    root.mkdir()
    (root / "params.yaml").write_text("checks: {}\n")
    for name, table in {
        "captions/captions.parquet": pd.DataFrame(rows),
        "extracted_traces/quality.parquet": pd.DataFrame(
            [{"source": "s", "clip_id": name, "status": "ok"} for name in "ab"]
        ),
    }.items():
        path = root / "data" / name
        path.parent.mkdir(parents=True)
        table.to_parquet(path)
    captions, coverage = suites(root)
    return captions.table, coverage.table.iloc[0].to_dict()


def _row(episode: str, status: str) -> dict[str, object]:
    text = NOTHING if status == "failed" else TEXTS
    span = {"kind": "chunk", "chunk_id": 0, "start_idx": 0, "end_idx": 5}
    return {"episode_id": f"s/{episode}", "status": status} | span | text


def test_failed_rows_are_left_out_but_an_episode_needs_a_text(tmp_path: Path) -> None:
    table, facts = _facts(tmp_path, [_row("a", "ok"), _row("a", "failed"), _row("b", "failed")])
    assert list(table["status"]) == ["ok"]
    assert facts["n_without_caption"] == 1
    assert facts["failed_share"] == pytest.approx(2 / 3)


def test_the_share_of_fallbacks_is_told(tmp_path: Path) -> None:
    _, facts = _facts(tmp_path, [_row("a", "ok"), _row("b", "fallback")])
    assert (facts["n_without_caption"], facts["fallback_share"], facts["failed_share"]) == (0, 0.5, 0)
