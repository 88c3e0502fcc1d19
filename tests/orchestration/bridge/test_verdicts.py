"""A report counts for what it judged: mended data open the gate, whatever lies in reports/checks_failed."""

import json
from collections.abc import Iterator

import dagster as dg
import pytest
import yaml
from toy_project import run_dvc

from assets_defs.dvc_state import md5_of
from orchestration.bridge.definitions import build_definitions
from orchestration.bridge.lock import read_lock
from orchestration.bridge.project import Project
from orchestration.bridge.sync import sync
from orchestration.bridge.verdicts import current_verdict

FAILED = "reports/checks_failed/numbers.json"
BROKEN = {"expectation": "at most 100", "success": False, "severity": "critical"}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def latest(instance: dg.DagsterInstance) -> bool | None:
    key = dg.AssetCheckKey(dg.AssetKey("numbers"), "check_numbers")
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).get(key)
    return record.evaluation.passed if record and record.evaluation else None


def leave_failed_report(project: Project, **judged: str | None) -> None:
    path = project.root / FAILED
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"results": [BROKEN], "judged": judged}))


def verdict_passes(project: Project) -> bool | None:
    lock = read_lock(project.root, project.pipeline)
    verdict = current_verdict(project, project.pipeline.stages["check_numbers"], lock)
    return None if verdict is None else all(each["success"] for each in verdict.report["results"])


@pytest.mark.slow
def test_the_gate_opens_when_dvc_restores_the_passed_report(
    toy: Project, instance: dg.DagsterInstance
) -> None:
    def run() -> tuple[bool, bool]:
        job = build_definitions(toy).resolve_job_def("everything")
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        [evaluation] = result.get_asset_check_evaluations()
        return result.success, evaluation.passed

    (toy.root / "inbox/a").write_text("500")
    assert run() == (False, False)
    (toy.root / "inbox/a").write_text("2")
    assert run_dvc(toy.root, "repro").returncode == 0
    assert (toy.root / FAILED).is_file(), "nobody takes it away: this test is about that"
    sync(instance, toy)
    assert latest(instance) is True
    assert run() == (True, True)


@pytest.mark.slow
def test_a_failure_in_a_shell_reaches_dagster_and_so_does_its_mending(
    toy: Project, instance: dg.DagsterInstance
) -> None:
    sync(instance, toy)
    (toy.root / "inbox/a").write_text("500")
    assert run_dvc(toy.root, "repro").returncode != 0
    leave_failed_report(toy, **{"data/numbers": md5_of(toy.root / "data/numbers")})
    sync(instance, toy)
    assert latest(instance) is False
    (toy.root / "inbox/a").write_text("2")
    assert run_dvc(toy.root, "repro").returncode == 0
    sync(instance, toy)
    assert latest(instance) is True


def test_a_failure_of_other_data_code_or_params_does_not_count(toy: Project) -> None:
    for path in ("data/numbers", "code", "params.yaml"):
        leave_failed_report(toy, **{path: "another md5"})
        assert verdict_passes(toy) is True
    leave_failed_report(toy)  # of a project that says nothing about what it judged
    assert verdict_passes(toy) is True


def test_a_pass_recorded_for_what_is_here_goes_before_a_failure_of_the_same(toy: Project) -> None:
    leave_failed_report(toy, **{"data/numbers": md5_of(toy.root / "data/numbers")})
    assert verdict_passes(toy) is True


def test_under_changed_code_the_failure_of_what_is_here_counts(toy: Project) -> None:
    (toy.root / "code/more.py").write_text("")
    leave_failed_report(toy, **{"code": md5_of(toy.root / "code")})
    assert verdict_passes(toy) is False
    (toy.root / "code/more.py").unlink()
    assert verdict_passes(toy) is True, "the code was set back"


def test_a_passed_report_about_another_version_or_another_text_does_not_count(toy: Project) -> None:
    report = toy.root / "reports/checks/numbers.json"
    content = report.read_text()
    report.unlink()
    assert verdict_passes(toy) is None
    report.write_text(content + "\n")
    assert verdict_passes(toy) is None
    report.write_text(content)
    path = toy.root / "dvc.lock"
    recorded = yaml.safe_load(path.read_text())
    recorded["stages"]["numbers"]["outs"][0]["md5"] = "0" * 32 + ".dir"
    path.write_text(yaml.safe_dump(recorded))
    assert verdict_passes(toy) is None
