"""Numbers of a training survive a store that fails in the middle: said once, kept, delivered later."""

import logging
import sqlite3
from pathlib import Path

import pytest
from mlflow import MlflowClient

from assets_defs.tracking_store import patience
from assets_defs.tracking_store.opening import open_store
from assets_defs.tracking_store.patience import PatientStore, deliver, read_waiting

FAULT = sqlite3.OperationalError("database or disk is full")


@pytest.fixture
def run_id(store: Path) -> str:
    experiment = open_store("mu0")
    return MlflowClient().create_run(experiment).info.run_id


@pytest.fixture
def patient(run_id: str, store: Path) -> PatientStore:
    return PatientStore(f"sqlite:///{store}", run_id, store.parent / "train.waiting.jsonl")


def break_store(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every later write fails; returns the list of calls."""
    calls: list[str] = []

    def fail(_client: MlflowClient, run_id: str, *_: object, **__: object) -> None:
        calls.append(run_id)
        raise FAULT

    monkeypatch.setattr(MlflowClient, "log_batch", fail)
    monkeypatch.setattr(MlflowClient, "set_terminated", fail)
    return calls


def stored(run_id: str) -> list[float]:
    return [metric.value for metric in MlflowClient().get_metric_history(run_id, "loss")]


def test_a_working_store_keeps_nothing_waiting(patient: PatientStore, run_id: str) -> None:
    patient.write([("loss", 1.0, 0, 0)])
    patient.end("FINISHED")
    assert stored(run_id) == [1.0]
    assert not patient.path.exists()
    assert MlflowClient().get_run(run_id).info.status == "FINISHED"


def test_a_failing_store_is_said_once_and_asked_rarely(
    patient: PatientStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        calls = break_store(patch)
        for step in range(50):
            patient.write([("loss", float(step), 0, step)])
    assert len(calls) == 1
    [warning] = [record.message for record in caplog.records if "failed" in record.message]
    assert warning.startswith("The tracking store failed (database or disk is full). The run goes on; ")
    assert warning.endswith(f"wait in {patient.path}.")
    assert patient.n_waiting == 50
    assert len(read_waiting(patient.path)[1]) == 50, "on disk, for a process that is killed now"


def test_numbers_go_out_when_the_store_is_back(
    patient: PatientStore, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_store(patch)
        patient.write([("loss", 1.0, 0, 0)])
    monkeypatch.setattr(patience, "RETRY_AFTER_S", 0.0)
    patient.write([("loss", 2.0, 1, 1)])
    assert stored(run_id) == [1.0, 2.0]
    assert not patient.path.exists()


def test_the_next_run_delivers_what_the_last_could_not(
    patient: PatientStore, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        break_store(patch)
        patient.write([("loss", 1.0, 0, 0)])
        patient.end("FAILED")
    with patient.path.open("a") as stream:
        stream.write('["loss", 7.0, 1')  # killed while writing
    assert MlflowClient().get_run(run_id).info.status == "RUNNING"
    deliver(patient.path.parent)
    assert stored(run_id) == [1.0]
    assert MlflowClient().get_run(run_id).info.status == "FAILED"
    assert not patient.path.exists()


@pytest.mark.parametrize("content", ["", "{", "[]\n", '{"status": ""}\n'])
def test_a_file_that_is_not_whole_stops_nobody(patient: PatientStore, content: str) -> None:
    patient.path.write_text(content)
    deliver(patient.path.parent)
    assert not patient.path.exists()


def test_a_full_disk_does_not_end_the_training(
    patient: PatientStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        break_store(patch)
        patch.setattr(patience, "_write_waiting", full)
        patient.write([("loss", 1.0, 0, 0)])
        patient.end("FINISHED")
    assert patient.n_waiting == 1


def test_a_file_of_another_store_is_kept_and_not_asked_again(patient: PatientStore) -> None:
    patient.path.write_text(
        '{"run_id": "0123456789abcdef0123456789abcdef", "status": ""}\n["loss", 1.0, 0, 0]\n'
    )
    deliver(patient.path.parent)
    assert not patient.path.exists()
    assert (patient.path.parent / "train.waiting.refused").exists()
