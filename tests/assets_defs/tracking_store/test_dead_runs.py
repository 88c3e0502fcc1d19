"""Runs of killed processes become KILLED at the next start; those of living or foreign processes stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from assets_defs.tracking_store.dead_runs import (
    HOST_TAG,
    PID_TAG,
    PROJECT_TAG,
    START_TAG,
    mark_killed_runs,
    process_start,
    process_tags,
)
from assets_defs.tracking_store.opening import open_store


def test_a_process_is_known_by_when_it_began() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = process_start(child.pid)
    assert began
    assert began != process_start(os.getpid())
    child.communicate()
    assert process_start(child.pid) is None


@pytest.mark.parametrize(
    ("change", "is_killed"),
    [
        ({START_TAG: "a former owner of this pid"}, True),
        ({PID_TAG: "4194999"}, True),
        ({}, False),
        ({HOST_TAG: "another-host", PID_TAG: "4194999"}, False),
        ({PID_TAG: ""}, False),
        ({"stage": "another_stage", PID_TAG: "4194999"}, False),
    ],
)
def test_only_runs_of_dead_processes_are_ended(
    store: Path, change: dict[str, str], *, is_killed: bool
) -> None:
    experiment = open_store("mu0")
    tags = process_tags(store.parent) | {"stage": "train"} | change
    run_id = MlflowClient().create_run(experiment, tags=tags).info.run_id
    assert mark_killed_runs(experiment, "train", store.parent) == ([run_id] if is_killed else [])
    assert MlflowClient().get_run(run_id).info.status == ("KILLED" if is_killed else "RUNNING")


def test_another_project_that_still_exists_is_left_alone(store: Path, tmp_path: Path) -> None:
    experiment = open_store("mu0")
    dead = process_tags(store.parent) | {"stage": "train", PID_TAG: "4194999"}
    there = MlflowClient().create_run(experiment, tags={**dead, PROJECT_TAG: str(tmp_path)}).info.run_id
    moved = (
        MlflowClient().create_run(experiment, tags={**dead, PROJECT_TAG: str(tmp_path / "old")}).info.run_id
    )
    assert mark_killed_runs(experiment, "train", store.parent) == [moved]
    assert MlflowClient().get_run(there).info.status == "RUNNING"
