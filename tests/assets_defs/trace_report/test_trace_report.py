"""The stage trace_report: every promised file, scenes that a viewer can read, numbers that are finite."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from assets_defs.trace_report.stage import main
from mu0.files import read_json
from mu0.interfaces import AbstractTracePredictor
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries, TraceSamples
from tests.mu0.dataset.resting_episodes import add_resting
from tests.mu0.dataset.tiny_dataset import make_tiny_dataset

DATASET = {"history_len": 4, "future_len": 12, "min_future_steps": 5}
REPORT = {"n_samples": 3, "horizons": [4, 12], "frames_per_episode": 2, "n_scenes": 3}
PROFILE = Path(__file__).parents[3] / "profiles" / "smoke.yaml"


class Jitter(AbstractTracePredictor):
    """Anchors with noise, in place of a trained model."""

    name = "mu0"
    model = torch.nn.Linear(2, 2)

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        shape = (n_samples, len(queries.anchor_uvz), 12, 3)
        noise = np.random.default_rng(seed).normal(size=shape) * 0.01
        return TraceSamples(queries.anchor_uvz[:, None] + noise, np.ones(shape[:3]))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_tiny_dataset(tmp_path / "data")
    params = yaml.safe_load(PROFILE.read_text()) | {"trace_dataset": DATASET, "trace_report": REPORT}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MU0_TRACKING", "off")
    monkeypatch.setattr(TracePredictor, "from_folder", lambda folder: Jitter())
    return tmp_path


@pytest.mark.slow
def test_it_writes_tables_figures_overlays_and_scenes(project: Path) -> None:
    main()
    folder = project / "reports/trace_report"
    assert {path.name for path in folder.iterdir()} == {
        "table.parquet", "comparisons.parquet", "per_sample.parquet", "table.md", "summary.json",
        "figures", "overlays", "scenes", "resting.parquet", "by_phase.parquet", "gripper.parquet",
    }  # fmt: skip
    assert len(list((folder / "figures").glob("*.png"))) == 3
    assert len(list((folder / "overlays").glob("*.png"))) == 3
    metrics = read_json(project / "reports/trace_report_metrics.json")
    assert {"mu0_ade_m", "static_ade_m", "cv_ade_m", "mu0_best3_ade_m", "mu0_minus_static_ade_m_low"} <= set(
        metrics
    )
    assert np.isfinite(list(metrics.values())).all()
    summary = read_json(folder / "summary.json")
    assert summary["headline"] == metrics
    assert summary["n_samples_evaluated"] == 4
    assert summary["methods"]["mu0"] == {"n_parameters": 6, "sees_history": False}
    assert "minADE_3_uvz" in summary["metrics_by_horizon"]["mu0_history"]["12"]
    assert set(pd.read_parquet(folder / "per_sample.parquet")["horizon"]) == {4, 12}


@pytest.mark.slow
def test_held_out_resting_points_give_false_motion_and_auroc_of_every_method(project: Path) -> None:
    main()
    assert "mu0_false_motion_m" not in read_json(project / "reports/trace_report_metrics.json")
    before = read_json(project / "reports/trace_report_metrics.json")
    for episode in (project / "data/extracted_traces/arm").iterdir():
        add_resting(episode)
    main()
    metrics = read_json(project / "reports/trace_report_metrics.json")
    assert {key: metrics[key] for key in before if "latency" not in key} == {
        key: value for key, value in before.items() if "latency" not in key
    }
    assert (metrics["static_false_motion_m"], metrics["static_false_motion_share"]) == (0, 0)
    assert metrics["mu0_false_motion_m"] > 0
    assert metrics["static_moves_auroc"] == 0.5
    rows = read_json(project / "reports/trace_report/summary.json")["resting"]
    assert {row["method"] for row in rows} == {"mu0", "mu0_history", "static", "constant_velocity"}
    assert "## What rests" in (project / "reports/trace_report/table.md").read_text()


@pytest.mark.slow
def test_a_scene_holds_picture_depth_truth_and_every_method(project: Path) -> None:
    main()
    scenes = project / "reports/trace_report/scenes"
    scene = json.loads((scenes / "0.json").read_text())
    assert set(scene["methods"]) == {"mu0", "mu0_history", "static", "constant_velocity"}
    assert np.array(scene["methods"]["mu0"]).shape == (3, 4, 12, 3)
    assert np.array(scene["truth"]).shape == (4, 12, 3)
    assert np.array(scene["anchor"]).shape == (4, 3)
    assert cv2.imread(str(scenes / scene["image"])).shape == (scene["height"], scene["width"], 3)
    depth_mm = cv2.imread(str(scenes / scene["depth"]), cv2.IMREAD_UNCHANGED)
    assert depth_mm.dtype == np.uint16
    assert 500 <= depth_mm.min() <= depth_mm.max() <= 2000
