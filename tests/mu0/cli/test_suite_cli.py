"""`mu0 ur3-suite`: reports of three tasks become a table and a page; unequal ones are refused."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.files import read_json, write_json
from tests.mu0.evaluation.policies.test_suite import report_of

ACTORS = {"grounded": 30, "mu0": 20, "no_trace": 10, "demonstrator": 50}


def written(folder: Path, task: str, **setting: object) -> str:
    report = report_of(task, ACTORS | ({"trace_policy": 40} if task == "pick" else {}), **setting)
    folder.mkdir()
    report.rows.to_parquet(folder / "rollouts.parquet")
    write_json(folder / "summary.json", {"setting": report.setting})
    return str(folder)


def test_three_reports_become_one_page(tmp_path: Path) -> None:
    folders = [written(tmp_path / task, task) for task in ("pick", "pour", "towel")]
    found = CliRunner().invoke(app, ["ur3-suite", *folders, "--out", str(tmp_path / "suite")])
    assert found.exit_code == 0, found.output
    assert "60 % (" in found.output
    suite = read_json(tmp_path / "suite/suite.json")
    assert suite["levels"]["in_distribution"]["actors"]["mu0"]["average"]["rate"] == pytest.approx(0.4)
    page = (tmp_path / "suite/index.html").read_text()
    for words in ("unfold towel", "60 % (", "30/50 (", "4.0 points", "resampled within"):
        assert words in page


def test_equal_tasks_leave_nothing_behind(tmp_path: Path) -> None:
    folders = [written(tmp_path / name, "pour") for name in ("a", "b")]
    found = CliRunner().invoke(app, ["ur3-suite", *folders, "--out", str(tmp_path / "suite")])
    assert found.exit_code == 1
    assert "both of the task pour" in found.output
    assert not (tmp_path / "suite").exists()
