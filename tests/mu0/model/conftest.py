"""A tiny world model and random windows."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mu0.dataset.batch import TraceBatch
from mu0.dataset.statistics import NormalizerStats
from mu0.model.config import WorldModelConfig
from mu0.model.presets import preset
from mu0.model.tokenizer import CaptionTokenizer, train_tokenizer
from mu0.model.world_model import TraceWorldModel
from tests.mu0.model.tiny_pretrained import Saved, save_backbone, save_features

CAPTIONS = ["pick the red apple into the sink", "open the drawer"]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def tokenizer() -> CaptionTokenizer:
    return train_tokenizer(CAPTIONS, 512, 24)


@pytest.fixture
def statistics() -> NormalizerStats:
    return NormalizerStats(0.9, 0.5, 0.1, 1, 8, 32, depth_log_min=-1.0, depth_log_max=1.0)


@pytest.fixture
def build(tokenizer: CaptionTokenizer, statistics: NormalizerStats) -> Callable[..., TraceWorldModel]:
    """A tiny model whose zero-initialised layers are shaken, so that every path matters."""

    def build_model(config: WorldModelConfig | None = None, *, shaken: bool = True) -> TraceWorldModel:
        torch.manual_seed(0)
        model = TraceWorldModel(config or preset("tiny"), tokenizer, statistics)
        if shaken:
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.05)
        return model.eval()

    return build_model


@pytest.fixture
def batch() -> TraceBatch:
    generator = torch.Generator().manual_seed(0)
    n_images, n_queries = 3, 5
    return TraceBatch(
        image=torch.rand(n_images, 3, 64, 64, generator=generator),
        instructions=[*CAPTIONS, ""],
        anchor_uvz=torch.rand(n_images, n_queries, 3, generator=generator) * 2 - 1,
        history=torch.randn(n_images, n_queries, 8, 3, generator=generator),
        history_valid=torch.ones(n_images, n_queries, 8, dtype=torch.bool),
        future=torch.randn(n_images, n_queries, 32, 3, generator=generator).cumsum(2) * 0.1,
        future_valid=torch.ones(n_images, n_queries, 32, dtype=torch.bool),
        query_valid=torch.ones(n_images, n_queries, dtype=torch.bool),
        cluster_ids=torch.tensor([[0, 0, 1, 1, 2]] * n_images),
        depth_panel=torch.rand(n_images, 3, 64, 64, generator=generator),
        depth_valid=torch.tensor([True, False, True]),
    )


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """A folder with a tiny SmolVLM and a tiny DINOv2, and the models themselves."""
    return tmp_path, save_backbone(tmp_path / "vlm"), save_features(tmp_path / "dino")
