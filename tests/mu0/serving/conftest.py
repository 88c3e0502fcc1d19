"""A miniature of the reports that promotion reads, and an MLflow store that is copied, not migrated."""

import shutil
from pathlib import Path

import pytest
from finished_project import UR3_METRICS, WORLD_METRICS, record_in_lock, write_json_file, write_model

from mu0.pipeline import PIPELINE


@pytest.fixture(scope="session")
def store_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database with its schema."""
    import mlflow

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def finished(tmp_path: Path, store_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder in which everything passed."""
    shutil.copy(store_template, tmp_path / "mlflow.db")
    shutil.copy("params.yaml", tmp_path / "params.yaml")
    write_model(tmp_path / "models/world_model", b"weights")
    write_model(tmp_path / "models/action_expert_ur3_mu0", b"expert")
    write_json_file(tmp_path / "reports/trace_report_metrics.json", WORLD_METRICS)
    write_json_file(tmp_path / "reports/ur3_report_metrics.json", UR3_METRICS)
    for stage in PIPELINE.all_stages:
        if stage.report:
            write_json_file(tmp_path / stage.report, {"passed": True})
    record_in_lock(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return tmp_path


@pytest.fixture
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained world model of preset `tiny`."""
    import torch

    from mu0.dataset.statistics import NormalizerStats
    from mu0.model.checkpoint import save_checkpoint
    from mu0.model.presets import preset
    from mu0.model.tokenizer import train_tokenizer
    from mu0.model.world_model import TraceWorldModel

    torch.manual_seed(0)
    tokenizer = train_tokenizer(["pick the red apple into the sink"], 512, 24)
    statistics = NormalizerStats(0.9, 0.5, 0.1, 1, 8, 32, depth_log_min=-1.0, depth_log_max=1.0)
    folder = tmp_path_factory.mktemp("checkpoint") / "world_model"
    save_checkpoint(folder, TraceWorldModel(preset("tiny"), tokenizer, statistics), {"steps": 0})
    return folder
