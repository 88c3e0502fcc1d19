"""A tracked run: numbers, inputs with DVC's hashes, tags, a record for others; silent when switched off."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

import assets_defs
from assets_defs.tracking import SilentRun, configure_mlflow, flatten, input_hashes, track_run
from mu0.errors import StageError

MD5 = "0123456789abcdef0123456789abcdef.dir"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dvc.yaml").write_text("stages: {train: {cmd: x, deps: [data/in, code.py]}}\n")
    (tmp_path / "dvc.lock").write_text(
        f"stages: {{make: {{cmd: x, outs: [{{path: data/in, md5: {MD5}}}]}}, "
        "train: {cmd: x, deps: [{path: data/in, md5: of-the-last-run}]}}\n"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_hashes_are_those_of_the_present_inputs_not_of_the_last_run(project: Path) -> None:
    assert input_hashes("train", project) == {"data/in": MD5}
    assert input_hashes("train", project / "elsewhere") == {}


def test_nested_params_become_dotted() -> None:
    assert flatten({"preset": "tiny", "train": {"lr": 0.1}}) == {"preset": "tiny", "train.lr": 0.1}


def test_switched_off_it_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MU0_TRACKING", "off")
    with track_run("train", {}, tmp_path) as run:
        run.log({"loss": 1.0})
        run.log_artifact(tmp_path)
        run.log_model_folder(tmp_path)
    assert isinstance(run, SilentRun)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_holds_numbers_inputs_and_tags(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MU0_DAGSTER_RUN_ID", "dagster-7")
    with track_run("train", {"train": {"lr": 0.1}}, project) as run:
        for step in range(3):
            run.log({"loss": 1.0 / (step + 1)}, step=step)
    record = json.loads((project / ".mu0_cache/mlflow/train.json").read_text())
    client = MlflowClient()
    stored = client.get_run(record["run_id"])
    assert stored.info.status == "FINISHED"
    assert stored.data.params == {"train.lr": "0.1"}
    assert [metric.step for metric in client.get_metric_history(record["run_id"], "loss")] == [0, 1, 2]
    assert stored.data.tags["dagster/run_id"] == "dagster-7"
    assert stored.data.tags["dvc/data/in"] == MD5
    [used] = stored.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("data/in", MD5)

    monkeypatch.setenv("MU0_PARENT_RUN_ID", record["run_id"])
    with pytest.raises(RuntimeError), track_run("train", {}, project):
        raise RuntimeError
    [child] = client.search_runs(["1"], "attributes.status = 'FAILED'")
    assert child.data.tags["mlflow.parentRunId"] == record["run_id"]


def test_two_runs_may_record_the_same_new_input_at_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_inputs, calls = MlflowClient.log_inputs, []

    def raced(client: MlflowClient, run_id: str, inputs: list) -> None:
        calls.append(run_id)
        if len(calls) == 1:  # another run inserted the data set between our look and our write
            raise MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.name")
        log_inputs(client, run_id, inputs)

    monkeypatch.setattr(MlflowClient, "log_inputs", raced)
    with track_run("train", {}, project) as run:
        pass
    assert len(calls) == 2
    inputs = MlflowClient().get_run(run.run_id).inputs.dataset_inputs
    assert [entry.dataset.name for entry in inputs] == ["data/in"]


def test_other_faults_of_the_store_are_told_at_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(client: MlflowClient, run_id: str, inputs: list) -> None:
        raise MlflowException("disk I/O error")

    monkeypatch.setattr(MlflowClient, "log_inputs", broken)
    with pytest.raises(StageError, match="disk I/O"), track_run("train", {}, project):
        pass


@pytest.mark.slow
def test_a_training_outlives_its_store(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The database becomes garbage in the middle; the next run finds it back and delivers the numbers."""
    with track_run("train", {}, project) as run:
        run.log({"loss": 3.0}, step=0)
        run.flush()
        whole = (project / "mlflow.db").read_bytes()
        (project / "mlflow.db").write_bytes(b"broken" * 1000)
        for step in range(1, 400):
            run.log({"loss": 1.0 / step}, step=step)
        run.log_artifact(project / "dvc.yaml")
    assert len([each for each in caplog.records if "The run goes on" in each.message]) == 1
    waiting = project / ".mu0_cache/mlflow/train.waiting.jsonl"
    assert len(waiting.read_text().splitlines()) == 400, "a head and every number but the first"
    (project / "mlflow.db").write_bytes(whole)
    with track_run("train", {}, project):
        pass
    client = MlflowClient()
    assert len(client.get_metric_history(run.run_id, "loss")) == 400
    assert client.get_run(run.run_id).info.status == "FINISHED"
    assert not waiting.exists()


KILLED_STAGE = """
import os, signal
import assets_defs
from assets_defs.tracking import configure_mlflow, track_run
with track_run("train", {}):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_killed_run_does_not_run_for_ever(project: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(assets_defs.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", KILLED_STAGE], cwd=project, env=environment, check=False)
    configure_mlflow()
    [left] = MlflowClient().search_runs(["1"])
    assert left.info.status == "RUNNING"
    with track_run("train", {}, project):
        assert MlflowClient().get_run(left.info.run_id).info.status == "KILLED"
