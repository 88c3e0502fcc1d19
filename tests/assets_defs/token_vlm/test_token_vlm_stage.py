"""The stage `token_vlm` end to end on synthetic windows: outputs complete, by steps or by time."""

from pathlib import Path

import pytest
import torch
import yaml

import mu0.training.token_vlm as training
from assets_defs.token_vlm import stage
from mu0.baselines.token_vlm.checkpoint import load_token_vlm
from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.dataset.windows import TraceWindows
from mu0.files import read_json
from mu0.model.checkpoint_folder import FILES

PROFILE = Path("profiles/smoke.yaml").resolve()


class OneWay(TraceWindows):
    """Points that all move one way; nothing is read from disk."""

    def __init__(self) -> None:
        self.statistics = NormalizerStats(1.0, 1.0, 0.1, 1, 8, 32)

    def __len__(self) -> int:
        return 7

    def batch(self, step: int, batch_size: int, n_queries: int, seed: int) -> TraceBatch:
        generator = torch.Generator().manual_seed(1000 * seed + step)
        shape, times = (batch_size, n_queries), torch.arange(1, 33) / 32
        yes = torch.ones(*shape, 32, dtype=torch.bool)
        return TraceBatch(
            image=torch.rand(batch_size, 3, 64, 64, generator=generator),
            instructions=["go right"] * batch_size,
            anchor_uvz=torch.rand(*shape, 3, generator=generator),
            history=torch.zeros(*shape, 8, 3),
            history_valid=yes[..., :8],
            future=torch.stack([times, 0 * times, 0 * times], -1).expand(*shape, 32, 3),
            future_valid=yes,
            query_valid=yes[..., 0],
            cluster_ids=torch.zeros(shape, dtype=torch.long),
        )


def _project(folder: Path, monkeypatch: pytest.MonkeyPatch, train_s: float | None) -> None:
    torch.set_num_threads(1)
    params = yaml.safe_load(PROFILE.read_text())
    train = {"steps": 3, "batch_size": 2, "n_queries": 3, "validation_batches": 1}
    params["token_vlm"] = {"preset": "tiny", "n_waypoints": 4, "train_s": train_s, "train": train}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    (folder / "data/trace_dataset").mkdir(parents=True)
    windows = {"train": OneWay(), "val": OneWay()}
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MU0_TRACKING", "off")
    monkeypatch.setattr(stage, "open_windows", lambda *_: windows)
    monkeypatch.setattr(training, "captions_of", lambda _: ["go right"])


def test_the_stage_writes_checkpoint_metrics_and_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _project(tmp_path, monkeypatch, None)
    stage.main()
    assert {path.name for path in (tmp_path / "models/token_vlm").iterdir()} == set(FILES)
    assert load_token_vlm(tmp_path / "models/token_vlm").config.n_waypoints == 4
    metrics = read_json(tmp_path / "reports/training/token_vlm.json")
    assert (metrics["steps"], metrics["n_train_frames"]) == (3, 7)
    assert metrics["val"]["loss"] > 0
    assert (tmp_path / "reports/training/token_vlm.csv").read_text().startswith("step,lr,grad_norm,loss")
    assert not list((tmp_path / ".mu0_cache/training").iterdir())


def test_a_time_budget_becomes_steps_that_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _project(tmp_path, monkeypatch, 0.2)
    stage.main()
    metrics = read_json(tmp_path / "reports/training/token_vlm.json")
    assert metrics["train_s"] == 0.2
    assert metrics["steps"] == max(int(0.2 / metrics["seconds_per_step"] + 1e-9), 1)
    meta = read_json(tmp_path / "models/token_vlm/meta.json")
    assert meta["steps"] == metrics["steps"]
