"""The suite: averages count tasks alike, intervals are known ones, unequal reports are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mu0.errors import StageError
from mu0.evaluation.policies.suite import TaskReport, read_task_report, require_comparable, summarize_suite
from mu0.files import write_json

N = 50
SETTING = {"n_rollouts": N, "n_rollouts_elsewhere": 0, "first_seed": 50_000, "execute_steps": 8, "best_of": 1}


def report_of(task: str, solved: dict[str, int], **setting: Any) -> TaskReport:
    """Every actor solves the first so many scenes, and does a quarter of the others."""
    rows = pd.DataFrame(
        [
            {
                "actor": actor,
                "level": "in_distribution",
                "seed": 50_000 + seed,
                "success": seed < n,
                "score": 1.0 if seed < n else 0.25,
            }
            for actor, n in solved.items()
            for seed in range(N)
        ]
    )
    told = SETTING | {"task": task, "horizon_steps": 200} | setting
    return TaskReport(Path(f"/projects/{task}"), told, rows)


@pytest.fixture
def reports() -> list[TaskReport]:
    return [
        report_of("pick", {"grounded": 40, "no_trace": 20, "trace_policy": 45, "demonstrator": N}),
        report_of("pour", {"grounded": 30, "no_trace": 10, "demonstrator": N}),
        report_of("towel", {"grounded": 20, "no_trace": 0, "demonstrator": N}),
    ]


def test_an_average_is_the_mean_of_the_tasks_and_only_of_who_acts_in_all(reports: list[TaskReport]) -> None:
    suite = summarize_suite(reports)
    actors = suite["levels"]["in_distribution"]["actors"]
    assert suite["tasks"] == ["pick", "pour", "towel"]
    assert actors["grounded"]["average"]["rate"] == pytest.approx(0.6)
    assert actors["grounded"]["average"]["mean_score"] == pytest.approx(0.6 + 0.4 * 0.25)
    assert actors["trace_policy"]["average"] is None
    assert actors["trace_policy"]["tasks"]["pour"] is None
    assert actors["trace_policy"]["tasks"]["pick"]["n_successes"] == 45
    assert suite["best_policy"] == "grounded"


def test_the_interval_is_as_wide_as_independent_scenes_make_it(reports: list[TaskReport]) -> None:
    average = summarize_suite(reports)["levels"]["in_distribution"]["actors"]["grounded"]["average"]
    rates = np.array([0.8, 0.6, 0.4])
    half = 1.96 * np.sqrt((rates * (1 - rates) / N).sum()) / 3
    assert average["low"] == pytest.approx(0.6 - half, abs=0.015)
    assert average["high"] == pytest.approx(0.6 + half, abs=0.015)


def test_differences_are_paired_over_the_scenes_of_all_tasks(reports: list[TaskReport]) -> None:
    suite = summarize_suite(reports)
    pair = next(one for one in suite["paired"] if (one["first"], one["second"]) == ("grounded", "no_trace"))
    assert (pair["n_only_first"], pair["n_only_second"], pair["n_pairs"]) == (60, 0, 150)
    assert pair["difference"] == pytest.approx(0.4)
    assert pair["low"] > 0.3
    assert suite["smallest_difference"] == pytest.approx(6 / 150)


def test_the_order_of_rows_and_a_ceiling_change_nothing(reports: list[TaskReport]) -> None:
    shuffled = [
        TaskReport(one.folder, one.setting, one.rows.sample(frac=1.0, random_state=0)) for one in reports
    ]
    first, second = (
        summarize_suite(given)["levels"]["in_distribution"]["actors"] for given in (reports, shuffled)
    )
    assert {name: one["average"] for name, one in first.items()} == {
        name: one["average"] for name, one in second.items()
    }
    assert first["demonstrator"]["average"]["low"] == 1.0


def test_two_reports_of_one_task_are_refused(reports: list[TaskReport]) -> None:
    with pytest.raises(StageError, match="/projects/pick and /projects/pick are both of the task pick"):
        require_comparable([reports[0], reports[0]])


@pytest.mark.parametrize("name", SETTING)
def test_unequal_protocols_are_refused_with_both_numbers(reports: list[TaskReport], name: str) -> None:
    other = report_of("towel", {"grounded": 1}, **{name: 7})
    with pytest.raises(StageError, match=f"ur3_report.{name} {SETTING[name]}, /projects/towel with 7"):
        require_comparable([reports[0], other])


def test_horizons_are_the_tasks_own(reports: list[TaskReport]) -> None:
    suite = summarize_suite([reports[0], report_of("towel", {"grounded": 1}, horizon_steps=300)])
    assert suite["horizon_steps"] == {"pick": 200, "towel": 300}


def test_no_report_is_an_error() -> None:
    with pytest.raises(StageError, match="No report was named"):
        summarize_suite([])


def test_a_folder_is_read_and_an_older_one_is_told_what_it_lacks(tmp_path: Path) -> None:
    known = report_of("pour", {"grounded": 3})
    known.rows.to_parquet(tmp_path / "rollouts.parquet")
    write_json(tmp_path / "summary.json", {"setting": {"n_rollouts": N}})
    with pytest.raises(StageError, match=r"no best_of, no execute_steps, .*no task"):
        read_task_report(tmp_path)
    write_json(tmp_path / "summary.json", {"setting": known.setting})
    found = read_task_report(tmp_path)
    assert found.task == "pour"
    pd.testing.assert_frame_equal(found.rows, known.rows)
    known.rows.drop(columns="score").to_parquet(tmp_path / "rollouts.parquet")
    with pytest.raises(StageError, match="lacks the columns score"):
        read_task_report(tmp_path)
