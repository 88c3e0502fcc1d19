"""The benchmark's stages in a row on a tiny dataset: train, ask, compare, check; and the warm-up study."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

import assets_defs.benchmark_model.stage as model_stage
from assets_defs.benchmark_predictions import stage as benchmark_predictions
from assets_defs.benchmark_traces import stage as benchmark_traces
from assets_defs.benchmark_traces.expectations import suites
from assets_defs.checks.validate import run_suites
from assets_defs.warm_up_study import stage as warm_up_study
from mu0.dataset.store import WindowSettings
from mu0.dataset.windows import TraceWindows
from mu0.errors import ParamsError, StageError
from mu0.evaluation.warm_up import learners
from mu0.files import read_json
from mu0.model import presets
from mu0.params.world_model import TrainParams
from orchestration.cli.benchmark import set_train_s, stages_of
from tests.mu0.dataset.tiny_dataset import SHAPE, make_tiny_dataset

PROFILE = Path(__file__).parents[3] / "profiles" / "smoke.yaml"
DATASET = {"history_len": 4, "future_len": 12, "min_future_steps": 5}
BENCHMARK = {
    "train_s": 0.3, "n_samples": 2, "horizons": [4, 12], "frames_per_episode": 2, "n_panels": 2,
    "n_resamples": 100,
    "warm_up": {
        "pretrain_sources": ["phone"], "target_source": "arm", "n_demonstrations": [1, 2],
        "pretrain_steps": 2, "steps": 2, "n_draws": 1, "methods": ["mu0"],
    },
}  # fmt: skip
TRAIN = {"steps": 4, "batch_size": 2, "n_queries": 2, "validation_batches": 1}
ASKED = ("mu0", "mu0_history", "static", "constant_velocity")


def short_preset(name: presets.PresetName, **changes: Any) -> Any:
    shape = {"history_len": 4, "history_group": 4, "future_len": 12, "n_control_points": 7,
             "control_points_per_token": 7}  # fmt: skip
    return real_preset(name, **{**shape, **changes})


real_preset = presets.preset


def short_windows(
    dataset: Path, episodes: Path, captions: Path, config: Any, train: TrainParams
) -> dict[str, TraceWindows]:
    """The tiny dataset's traces are shorter than what is usually asked of a row."""
    assert train.batch_size == 2
    settings = WindowSettings(SHAPE, config.image_size_px, with_depth=config.use_depth)
    return {"train": TraceWindows.open(dataset, episodes, captions, "train", settings)}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny dataset; its arm clips once more in the place of unseen ones."""
    torch.set_num_threads(1)
    make_tiny_dataset(tmp_path / "data")
    unseen = tmp_path / "data/benchmark/unseen"
    shutil.copytree(tmp_path / "data/extracted_traces/arm", unseen / "extracted_traces/unseen_objects")
    slots = pd.read_parquet(tmp_path / "data/trace_dataset/index.parquet")
    slots = slots[slots["episode_id"].isin(["arm/clip0", "arm/clip1"])]
    named = slots["episode_id"].str.replace("arm", "unseen_objects")
    slots.assign(episode_id=named, source="unseen_objects").to_parquet(unseen / "index.parquet")
    params = yaml.safe_load(PROFILE.read_text()) | {"trace_dataset": DATASET, "benchmark": BENCHMARK}
    params["world_model"] = {"preset": "tiny", "train": TRAIN}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MU0_TRACKING", "off")
    monkeypatch.setattr(model_stage, "preset", short_preset)
    monkeypatch.setattr(model_stage, "open_windows", short_windows)
    monkeypatch.setattr(learners, "WindowShape", lambda *_: SHAPE)
    monkeypatch.setattr(presets, "preset", short_preset)
    return tmp_path


@pytest.mark.slow
def test_from_training_to_a_checked_table(project: Path) -> None:
    model_stage.main("mu0")
    trained = read_json(project / "reports/benchmark_training/mu0.json")
    assert trained["train_s"] == 0.3
    assert trained["steps"] >= 1
    assert 0 <= trained["waiting_share"] < 1
    assert not list((project / ".mu0_cache/training").glob("mu0_*"))
    for name in ASKED:
        benchmark_predictions.main(name)
    benchmark_traces.main(ASKED)
    report = project / "reports/benchmark_traces"
    table = pd.read_parquet(report / "table.parquet")
    assert set(table["split"]) == {"held_out", "arm", "unseen_objects"}
    official = read_json(report / "official/static/metrics_8.json")
    assert (official["horizon"], official["n_samples"]) == (8, 2)
    whole = read_json(report / "official/static/metrics.json")
    pooled = table[(table["split"] == "held_out") & (table["points"] == "all") & (table["horizon"] == 12)]
    row = pooled.set_index("method").loc["static"]
    assert np.allclose([whole["ade_uv"], whole["minDTW_2_uvz"]], [row["ade_uv"], row["minDTW_2_uvz"]])
    facts = read_json(report / "summary.json")["methods"]
    assert facts["mu0"]["steps"] == facts["mu0_history"]["steps"] == trained["steps"]
    assert facts["static"]["n_parameters"] == 0
    metrics = read_json(project / "reports/benchmark_traces_metrics.json")
    assert np.isfinite(list(metrics.values())).all()
    verdict = run_suites("benchmark_traces", suites(project))
    broken = {result["limits"].get("column") for result in verdict["results"] if not result["success"]}
    told = {"n_missing", "n_missing_phases"}  # the other methods, moving cameras; phases that nobody tells
    assert broken - {"mu0_ade_below_static"} == told


@pytest.mark.slow
def test_the_warm_up_study_has_both_arms_and_a_start(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up_study.main()
    rows = pd.read_parquet(project / "reports/warm_up_study/table.parquet")
    arms = set(zip(rows["kind"], rows["n_demonstrations"], strict=True))
    assert arms == {("pretrained", 0), ("pretrained", 1), ("scratch", 1), ("pretrained", 2), ("scratch", 2)}
    saved = rows[(rows["kind"] == "pretrained") & (rows["n_demonstrations"] > 0)]
    assert saved["saved"].notna().all()
    assert (saved["saved_low"] <= saved["saved_high"]).all()
    assert (project / "reports/warm_up_study/index.html").is_file()
    with pytest.raises(StageError, match="knows no method 'static'"):
        learners.choose_learners(["static"], [])


def test_some_methods_are_trained_and_asked_in_order() -> None:
    assert stages_of(["mu0_history", "mu0", "static"], warm_up=True) == [
        "unseen_clips", "benchmark_model_mu0", "benchmark_predictions_mu0",
        "benchmark_predictions_mu0_history", "benchmark_predictions_static",
    ]  # fmt: skip
    assert "warm_up_study" not in stages_of([], warm_up=False)
    assert stages_of([], warm_up=True)[-1] == "warm_up_study"
    with pytest.raises(StageError, match="no method tau0"):
        stages_of(["mu0", "tau0"], warm_up=True)
    with pytest.raises(StageError, match="mu0 is not among"):
        stages_of(["static"], warm_up=True)


@pytest.mark.parametrize("name", ["smoke", "small", "paper"])
def test_only_the_training_time_changes_in_params(tmp_path: Path, name: str) -> None:
    path = tmp_path / "params.yaml"
    before = PROFILE.with_name(f"{name}.yaml").read_text()
    path.write_text(before)
    set_train_s(path, 75.0)
    changed = [
        pair
        for pair in zip(before.splitlines(), path.read_text().splitlines(), strict=True)
        if len(set(pair)) > 1
    ]
    assert [new.strip() for _, new in changed] == ["train_s: 75"]
    path.write_text("profile: small\n")
    with pytest.raises(ParamsError, match="no line `train_s`"):
        set_train_s(path, 75.0)
