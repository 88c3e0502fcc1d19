"""A miniature of the reports that promotion reads."""

import shutil
from pathlib import Path

import pytest
from finished_project import UR3_METRICS, WORLD_METRICS, record_in_lock, write_json_file, write_model

from assets_defs.chain import PIPELINE


@pytest.fixture
def finished(tmp_path: Path, store_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder in which everything passed."""
    shutil.copy(store_template, tmp_path / "mlflow.db")
    shutil.copy("params.yaml", tmp_path / "params.yaml")
    write_model(tmp_path / "models/world_model", b"weights")
    write_model(tmp_path / "models/action_expert_ur3_grounded", b"expert")
    write_json_file(tmp_path / "reports/trace_report_metrics.json", WORLD_METRICS)
    write_json_file(tmp_path / "reports/ur3_report_metrics.json", UR3_METRICS)
    for stage in PIPELINE.all_stages:
        if stage.report:
            write_json_file(tmp_path / stage.report, {"passed": True})
    record_in_lock(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return tmp_path
