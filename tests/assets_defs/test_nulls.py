"""Null is not good news: what is not known passes no gate in silence, in any column of any suite."""

import importlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from good_artifacts import ARTIFACTS, put_json

from mu0.errors import CheckFailedError, StageError

pytestmark = [
    pytest.mark.slow,  # importing Great Expectations takes seconds
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]
CLIPS = "data/raw_videos/index.parquet"
QUALITY = "data/extracted_traces/quality.parquet"
SLOTS = "data/trace_dataset/index.parquet"


def suites_of(artifact: str, root: Path) -> list[Any]:
    module = importlib.import_module(f"assets_defs.{artifact}.expectations")
    suites: list[Any] = module.suites(root)
    return suites


def verdict(artifact: str, root: Path) -> dict[str, Any]:
    from assets_defs.checks.validate import run_suites

    return run_suites(artifact, suites_of(artifact, root))


def is_silent(report: dict[str, Any]) -> bool:
    return bool(report["passed"]) and report["n_broken"] == 0


def columns_of(expectation: Any) -> list[str]:
    names = [getattr(expectation, field, None) for field in ("column", "column_A", "column_B")]
    return [name for name in (*names, *getattr(expectation, "column_list", ())) if name]


def with_nulls(values: "pd.Series[Any]", every: int) -> "pd.Series[Any]":
    """The column with every `every`-th value lost, the first included."""
    lost = [place % every == 0 for place in range(len(values))]
    return values.astype(object).mask(lost, None)


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_no_column_that_a_suite_names_may_be_null_in_silence(
    good_project: Path, artifact: str, every: int
) -> None:
    from dataclasses import replace

    from assets_defs.checks.validate import run_suites

    silent = []
    for suite in suites_of(artifact, good_project):
        for column in sorted({name for each in suite.expectations for name in columns_of(each)}):
            about = [each for each in suite.expectations if column in columns_of(each)]
            changed = suite.table.assign(**{column: with_nulls(suite.table[column], every)})
            report = run_suites(artifact, [replace(suite, table=changed, expectations=about)])
            if is_silent(report):
                silent.append(f"{suite.name}.{column}")
    assert silent == []


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_no_column_that_is_read_from_a_file_may_be_null_in_silence(
    good_project: Path, artifact: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also columns that only choose rows or enter sums: nulls in a file reach a suite of their own."""
    from assets_defs.checks import tables
    from assets_defs.checks.validate import run_suites

    module = importlib.import_module(f"assets_defs.{artifact}.expectations")
    modules = [module, importlib.import_module("assets_defs.extracted_traces.accounts")]
    original, relied_on, spoiled = tables.read_table, set(), {"path": None, "column": None}

    def read(path: Path, **kinds: Any) -> pd.DataFrame:
        table = original(path, **kinds)
        relied_on.update((path, name) for names in kinds.values() for name in names)
        if path == spoiled["path"]:
            column = str(spoiled["column"])
            table[column] = table[column].mask([True] * len(table))
        return table

    for each in modules:
        if hasattr(each, "read_table"):
            monkeypatch.setattr(each, "read_table", read)
    good = {suite.name: suite.table for suite in suites_of(artifact, good_project)}
    silent = []
    for path, column in sorted(relied_on):
        if artifact == "captions" and path.name == "quality.parquet":
            continue  # the gate of extracted_traces answers for it
        spoiled.update(path=path, column=column)
        suites = suites_of(artifact, good_project)
        changed = [suite for suite in suites if not suite.table.equals(good.get(suite.name))]
        if is_silent(run_suites(artifact, changed)):
            silent.append(f"{path.name}: {column}")
    assert silent == []


@pytest.mark.parametrize(
    ("artifact", "table", "column"),
    [
        ("raw_videos", CLIPS, "status"),
        ("raw_videos", CLIPS, "scene_id"),
        ("raw_videos", CLIPS, "fps_hz"),
        ("raw_videos", CLIPS, "demonstrator_success"),
        ("extracted_traces", QUALITY, "status"),
        ("extracted_traces", QUALITY, "scene_id"),
        ("extracted_traces", QUALITY, "pose_source"),
        ("extracted_traces", QUALITY, "median_reprojection_error_px"),
        ("captions", "data/captions/captions.parquet", "status"),
        ("trace_dataset", SLOTS, "split"),
        ("trace_dataset", SLOTS, "scene_id"),
        ("trace_dataset", SLOTS, "n_rows"),
        ("ur3_report", "reports/ur3_report/rollouts.parquet", "success"),
        ("ur3_report", "reports/ur3_report/rollouts.parquet", "score"),
    ],
)
def test_half_a_column_of_nulls_is_critical_and_counted(
    project: Path, artifact: str, table: str, column: str
) -> None:
    rows = pd.read_parquet(project / table)
    rows[column] = with_nulls(rows[column], every=2)
    rows.to_parquet(project / table)
    report = verdict(artifact, project)
    broken = [result for result in report["results"] if not result["success"]]
    assert not report["passed"]
    assert any(result.get("n_missing") or result.get("n_unexpected") for result in broken)


def test_nulls_count_against_a_share_together_with_the_bad(project: Path) -> None:
    """Of 12 episodes one may be bad (0.9 of them must be good): one null and one bad one are too many."""

    def broken(**values: float) -> list[str]:
        rows = pd.read_parquet(project / QUALITY)
        for row, value in enumerate(values.values()):
            rows.loc[row, "median_reprojection_error_px"] = value
        rows.to_parquet(project / QUALITY)
        results = verdict("extracted_traces", project)["results"]
        return [result["suite"] for result in results if not result["success"]]

    assert broken(bad=100.0) == []
    assert broken(bad=100.0, lost=float("nan")) == ["median_reprojection_error_px"]


@pytest.mark.parametrize("value", [1e9, float("inf"), -1.0])
def test_one_absurd_value_is_not_hidden_by_a_share(project: Path, value: float) -> None:
    rows = pd.read_parquet(project / QUALITY)
    rows.loc[0, "median_reprojection_error_px"] = value
    rows.to_parquet(project / QUALITY)
    assert not verdict("extracted_traces", project)["passed"]


def test_pixels_alone_where_there_is_depth_warn(project: Path) -> None:
    rows = pd.read_parquet(project / QUALITY).assign(is_3d=False)
    rows.to_parquet(project / QUALITY)
    report = verdict("extracted_traces", project)
    assert report["passed"]
    assert [result["suite"] for result in report["results"] if not result["success"]] == [
        "episodes_with_depth"
    ]


@pytest.mark.parametrize(
    ("artifact", "name", "content"),
    [
        ("world_model", "reports/training/world_model.json", {}),
        ("world_model", "reports/training/world_model.json", None),
        ("world_model", "reports/training/world_model.json", {"steps": 20}),
        ("trace_dataset", "data/trace_dataset/normalizer_stats.json", {"delta_scale_x": None}),
        ("trace_report", "reports/trace_report_metrics.json", {}),
        ("trace_report", "reports/trace_report_metrics.json", None),
        ("trace_report", "reports/trace_report_metrics.json", {"mu0_minus_static_ade_uv": "low"}),
        ("ur3_report", "reports/ur3_report/summary.json", {}),
        ("ur3_report", "reports/ur3_report/summary.json", {"actors": {"mu0": {"success": None}}}),
        ("demonstrations", "data/demonstrations/meta/info.json", []),
    ],
)
def test_json_that_says_nothing_is_critical(project: Path, artifact: str, name: str, content: Any) -> None:
    put_json(project, name, content)
    assert not verdict(artifact, project)["passed"]


@pytest.mark.parametrize("artifact", ARTIFACTS)
def test_a_table_without_rows_is_critical(project: Path, artifact: str) -> None:
    tables = [path for path in project.rglob("*.parquet") if artifact in path.parts]
    for path in tables:
        pd.read_parquet(path).iloc[:0].to_parquet(path)
    if tables:
        assert not verdict(artifact, project)["passed"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fps_hz": "ten"}, "fps_hz holds texts, not numbers"),
        ({"has_depth": 0.5}, "has_depth holds numbers, not flags"),
        ({"scene_id": 3}, "scene_id holds numbers, not texts"),
    ],
)
def test_a_column_of_another_type_is_said(project: Path, change: dict[str, Any], words: str) -> None:
    pd.read_parquet(project / CLIPS).assign(**change).to_parquet(project / CLIPS)
    with pytest.raises(StageError, match=words):
        verdict("raw_videos", project)


def test_all_missing_columns_are_said_at_once(project: Path) -> None:
    pd.read_parquet(project / CLIPS).drop(columns=["fps_hz", "status"]).to_parquet(project / CLIPS)
    with pytest.raises(StageError, match=r"fps_hz is missing; status is missing"):
        verdict("raw_videos", project)


def test_the_message_counts_the_missing_and_the_report_is_strict_json(project: Path) -> None:
    from assets_defs.checks.__main__ import check_artifact

    pd.read_parquet(project / CLIPS).assign(fps_hz=float("nan")).to_parquet(project / CLIPS)
    with pytest.raises(CheckFailedError, match=r"column fps_hz.*; found n_missing 12"):
        check_artifact("raw_videos", project)

    def refuse(number: str) -> None:
        raise AssertionError(number)

    text = (project / "reports/checks_failed/raw_videos.json").read_text()
    json.loads(text, parse_constant=refuse)
