"""The bridge in both directions: what one tool did satisfies the other; bad data stops both."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from toy_project import run_dvc

from assets_defs.dvc_state import IGNORED_FOLDERS, IGNORED_SUFFIXES, md5_of
from orchestration.bridge.definitions import build_definitions
from orchestration.bridge.lock import read_lock
from orchestration.bridge.project import Project
from orchestration.bridge.sync import sync
from orchestration.bridge.versions import code_version_locked, code_version_now

ASSETS = ("numbers", "squares", "total")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def statuses(instance: dg.DagsterInstance, project: Project) -> set[StaleStatus]:
    graph = build_definitions(project).resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {resolver.get_status(dg.AssetKey(name)) for name in ASSETS}


def run_everything(instance: dg.DagsterInstance, project: Project) -> dg.ExecuteInProcessResult:
    job = build_definitions(project).resolve_job_def("everything")
    return job.execute_in_process(instance=instance, raise_on_error=False)


def versions(instance: dg.DagsterInstance) -> dict[str, str]:
    found = {}
    for name in ASSETS:
        event = instance.get_latest_materialization_event(dg.AssetKey(name))
        assert event
        assert event.asset_materialization
        found[name] = (event.asset_materialization.tags or {})["dagster/data_version"]
    return found


def locked_versions(project: Project) -> dict[str, str]:
    lock, pipeline = read_lock(project.root), project.pipeline
    return {
        name: lock[pipeline.producer_of[name].name].output_md5[pipeline.artifacts[name].path]
        for name in ASSETS
    }


def test_our_md5_of_files_and_folders_is_the_md5_of_dvc(finished_toy: Path) -> None:
    for stage in read_lock(finished_toy).values():
        for path, md5 in {**stage.dependency_md5, **stage.output_md5}.items():
            assert md5_of(finished_toy / path) == md5


def test_bytecode_changes_no_hash(toy: Project) -> None:
    before = md5_of(toy.root / "code")
    (toy.root / "code/__pycache__").mkdir()
    (toy.root / "code/__pycache__/run.pyc").write_bytes(b"1")
    assert md5_of(toy.root / "code") == before


def test_dvcignore_and_the_bridge_leave_out_the_same_files() -> None:
    lines = Path(".dvcignore").read_text().splitlines()
    patterns = {line for line in lines if line and not line.startswith("#")}
    assert patterns == {f"{name}/" for name in IGNORED_FOLDERS} | {
        f"*{suffix}" for suffix in IGNORED_SUFFIXES
    }


def test_code_version_is_new_exactly_when_command_code_or_params_are(toy: Project) -> None:
    lock, stage = read_lock(toy.root), toy.pipeline.stages["numbers"]
    locked = code_version_locked(stage, lock["numbers"])
    assert code_version_now(stage, toy) == locked
    (toy.root / "inbox/c").write_text("4")
    assert code_version_now(stage, toy) == locked, "data is not code"
    (toy.root / "params.yaml").write_text("numbers: {factor: 2, rate: 1e-3}\ntotal: {}\n")
    assert code_version_now(stage, toy) != locked
    assert code_version_now(toy.pipeline.stages["total"], toy) == code_version_locked(
        toy.pipeline.stages["total"], lock["total"]
    ), "the other sections do not concern it"


def test_what_dvc_did_in_a_shell_is_fresh_in_dagster_after_one_sync(
    toy: Project, instance: dg.DagsterInstance
) -> None:
    assert statuses(instance, toy) == {StaleStatus.MISSING}
    assert len(sync(instance, toy)) == len(ASSETS) + 2  # and the inbox, and the check
    assert statuses(instance, toy) == {StaleStatus.FRESH}
    assert versions(instance) == locked_versions(toy)
    assert sync(instance, toy) == []


@pytest.mark.slow
def test_what_dagster_did_is_clean_for_dvc(toy: Project, instance: dg.DagsterInstance) -> None:
    sync(instance, toy)
    (toy.root / "params.yaml").write_text("numbers: {factor: 2, rate: 1e-3}\ntotal: {}\n")
    assert StaleStatus.STALE in statuses(instance, toy)
    result = run_everything(instance, toy)
    assert result.success
    assert (toy.root / "data/total.txt").read_text() == "52"
    assert run_dvc(toy.root, "status", "--json").stdout.strip() == "{}"
    assert versions(instance) == locked_versions(toy)
    assert statuses(instance, toy) == {StaleStatus.FRESH}
    assert sync(instance, toy) == []
    metadata = result.asset_materializations_for_node("stage_total")[0].metadata
    assert metadata["metrics/total"].value == 52.0
    assert metadata["outcome"].value == "ran"
    [evaluation] = result.get_asset_check_evaluations()
    assert evaluation.passed


def test_a_run_of_nothing_new_starts_no_process(toy: Project, instance: dg.DagsterInstance) -> None:
    result = run_everything(instance, toy)
    outcomes = [
        event.materialization.metadata["outcome"].value for event in result.get_asset_materialization_events()
    ]
    assert outcomes == ["unchanged"] * len(ASSETS)


@pytest.mark.slow
def test_bad_data_stops_dagster_and_dvc_at_the_same_place(toy: Project, instance: dg.DagsterInstance) -> None:
    (toy.root / "inbox/c").write_text("101")
    result = run_everything(instance, toy)
    [evaluation] = result.get_asset_check_evaluations()
    assert not evaluation.passed
    assert "failed to reproduce 'check_numbers'" in str(evaluation.description)
    assert evaluation.metadata["n_critical"].value == 1
    assert {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()} == {
        "numbers",
        "squares",
    }
    outcome = run_dvc(toy.root, "repro")
    assert outcome.returncode != 0
    assert "adding up" not in outcome.stdout


@pytest.mark.slow
def test_a_failing_stage_ends_with_its_own_last_words(toy: Project, instance: dg.DagsterInstance) -> None:
    (toy.root / "inbox/c").write_text("three")
    result = run_everything(instance, toy)
    failure = result.failure_data_for_node("stage_numbers")
    assert failure
    assert failure.user_failure_data
    assert "invalid literal for int() with base 10: 'three'" in str(failure.user_failure_data.description)


def test_the_sensor_reports_once_and_then_skips(toy: Project, instance: dg.DagsterInstance) -> None:
    sensor = next(iter(build_definitions(toy).sensors or []))
    assert isinstance(sensor, dg.SensorDefinition)
    context = dg.build_sensor_context(instance=instance)
    first = sensor(context)
    again = sensor(dg.build_sensor_context(instance=instance, cursor=context.cursor))
    assert isinstance(first, dg.SkipReason)
    assert isinstance(again, dg.SkipReason)
    assert "total@" in str(first.skip_message)
    assert again.skip_message == "dvc.lock is unchanged."
