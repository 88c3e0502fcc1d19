"""`mu0 promote`, `rollback` and `verify` where something is wrong: a message, exit code 1, no traceback."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner, Result

from orchestration.cli.main import app

RUNNER = CliRunner()
MD5 = "0123456789abcdef0123456789abcdef"
COMMANDS = (["promote"], ["promote", "--dry-run"], ["rollback"], ["verify"], ["verify", "--fix"])


@pytest.fixture
def project(tmp_path: Path, store_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with models and an empty store."""
    shutil.copy("params.yaml", tmp_path)
    shutil.copy(store_template, tmp_path / "mlflow.db")
    for name in ("world_model", "action_expert_ur3_grounded"):
        (tmp_path / "models" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return tmp_path


def break_store(project: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = project / "mlflow.db"
    if fault == "server down":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    elif fault == "nonsense":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "my store")
    elif fault == "no database":
        database.write_bytes(b"broken" * 1000)
    elif fault == "another MLflow":
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    else:
        client = MlflowClient(f"sqlite:///{database}")
        client.delete_experiment(client.create_experiment("mu0"))


def invoke(command: list[str]) -> Result:
    return RUNNER.invoke(app, command)


@pytest.mark.parametrize(
    "fault", ["server down", "nonsense", "no database", "another MLflow", "experiment deleted"]
)
def test_faults_of_the_store_are_said(project: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_store(project, fault, monkeypatch)
    for command in COMMANDS:
        result = invoke(command)
        assert result.exit_code == 1, (command, result.output)
        assert isinstance(result.exception, SystemExit), command
        assert result.output.startswith("StageError: "), command
        assert "expected:" in result.output
        assert "to do:" in result.output
        assert "Traceback" not in result.output


def test_verify_of_a_sound_project(project: Path) -> None:
    result = invoke(["verify"])
    assert (result.exit_code, result.output) == (
        0, "All as recorded: 0 cache objects, 0 outputs, 0 registered versions.\n",
    )  # fmt: skip


def test_verify_says_every_difference_and_leaves_with_1(project: Path) -> None:
    entry = f"{{cmd: x, outs: [{{path: reports/r.json, md5: {MD5}}}, {{path: reports/s.json, md5: {MD5}}}]}}"
    (project / "dvc.lock").write_text(f"stages: {{trace_report: {entry}, left_the_graph: {entry}}}\n")
    (project / "dvc.yaml").write_text(
        "stages: {trace_report: {cmd: x, outs: [reports/r.json, reports/s.json]}}\n"
    )
    result = invoke(["verify"])
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:4] == [
        "reports/r.json, reports/s.json",
        f"    expected: md5 {MD5}, md5 {MD5}",
        "    found:    nothing, nor in the cache",
        "    to do:    `dvc pull reports/r.json reports/s.json` if you have a remote, else "
        "`mu0 run trace_report`, which makes it again.",
    ]
    assert "StageError: 1 difference(s) in 0 cache objects, 2 outputs" in result.output


def test_rollback_before_any_promotion(project: Path) -> None:
    result = invoke(["rollback", "world_model"])
    assert result.exit_code == 1
    assert "PromotionError: There is nothing to go back to." in result.output


def test_rollback_of_an_unknown_model(project: Path) -> None:
    result = invoke(["rollback", "wurld_model"])
    assert result.exit_code == 1
    assert (
        "expected: mu0-world-model (world_model) or mu0-action-expert-ur3 (action_expert_ur3_grounded)"
        in result.output
    )
