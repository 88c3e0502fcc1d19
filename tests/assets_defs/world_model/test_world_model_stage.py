"""The stage end to end on a synthetic dataset: outputs complete, repeatable, resumable."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tokenizers import Tokenizer

from assets_defs.world_model import stage
from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.dataset.windows import TraceWindows
from mu0.errors import WeightsError
from mu0.files import read_json
from mu0.model.checkpoint import load_checkpoint, read_meta
from mu0.model.checkpoint_folder import FILES
from mu0.training import world_model as training
from tests.mu0.model.tiny_pretrained import frozen_config, save_backbone, save_features

PROFILE = Path("profiles/smoke.yaml").resolve()


class SyntheticWindows(TraceWindows):
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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    params = yaml.safe_load(PROFILE.read_text())
    params["world_model"]["train"] = {"steps": 6, "batch_size": 2, "n_queries": 3, "validation_batches": 1}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "data/trace_dataset").mkdir(parents=True)
    windows = {"train": SyntheticWindows(), "val": SyntheticWindows()}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MU0_TRACKING", "off")
    monkeypatch.setattr(stage, "open_windows", lambda *_: windows)
    monkeypatch.setattr(training, "captions_of", lambda _: ["go right"])
    return tmp_path


def test_the_stage_writes_checkpoint_metrics_and_curve(project: Path) -> None:
    stage.main()
    assert {path.name for path in (project / "models/world_model").iterdir()} == set(FILES)
    assert load_checkpoint(project / "models/world_model").config.preset == "tiny"
    metrics = read_json(project / "reports/training/world_model.json")
    assert metrics["steps"] == 6
    meta = dict(read_meta(project / "models/world_model"))
    assert meta.pop("convolutions") in {"float32", "bfloat16"}  # what this machine is faster in
    assert meta == {
        "label": "trained from scratch on the extracted traces of this project",
        "preset": "tiny",
        "steps": 6,
        "seed": 0,
    }
    assert metrics["val"]["ade_static_error_uv"] == pytest.approx(33 / 64)
    assert (project / "reports/training/world_model.csv").read_text().startswith("step,lr,grad_norm,loss")
    assert not list((project / ".mu0_cache/training").iterdir())


def test_the_same_stage_twice_gives_the_same_bytes(project: Path) -> None:
    stage.main()
    outputs = [
        *sorted((project / "models/world_model").iterdir()),
        *sorted((project / "reports").rglob("*.json")),
    ]
    before = [path.read_bytes() for path in outputs]
    stage.main()
    assert [path.read_bytes() for path in outputs] == before


def _freeze(project: Path, monkeypatch: pytest.MonkeyPatch, **models: str) -> None:
    """Ask for the preset base, in tiny."""
    params: dict[str, Any] = yaml.safe_load((project / "params.yaml").read_text())
    params["world_model"] |= {"preset": "base", **models}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.setattr(stage, "preset", lambda _: frozen_config())


def test_a_pretrained_backbone_is_trained_on_and_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vlm, dino = save_backbone(project / "vlm"), save_features(project / "dino")
    _freeze(project, monkeypatch, backbone_model="./vlm", features_model="./dino")
    stage.main()
    model, meta = load_checkpoint(project / "models/world_model"), read_meta(project / "models/world_model")
    features: Any = model.keypoint_features
    kept, ours = dino.state_dict(), features.dino.state_dict()
    assert all(torch.equal(ours[name], kept[name]) for name in kept)
    assert torch.equal(model.backbone.language_head.weight, vlm.lm_head.weight)
    assert model.tokenizer.tokenizer.to_str() == Tokenizer.from_file("vlm/tokenizer.json").to_str()
    assert meta["backbone"].startswith("./vlm (")
    assert meta["label"] == (
        "trained on the extracted traces of this project; "
        f"frozen: backbone {meta['backbone']}, features {meta['features']}"
    )


def test_random_frozen_weights_are_told_in_the_checkpoint(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _freeze(project, monkeypatch, backbone_model="random", features_model="random")
    stage.main()
    label = read_meta(project / "models/world_model")["label"]
    assert label.endswith("frozen: backbone of RANDOM WEIGHTS, features of RANDOM WEIGHTS")


def test_missing_weights_are_told_before_the_dataset_is_opened(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _freeze(project, monkeypatch, backbone_model="./nowhere")
    monkeypatch.setattr(stage, "open_windows", lambda *_: pytest.fail("the dataset was opened"))
    with pytest.raises(WeightsError, match=r"There is no folder nowhere"):
        stage.main()
