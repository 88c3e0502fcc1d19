"""A tiny world model with shaken weights, on disk and as a predictor; a picture with coloured blobs."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from mu0.dataset.statistics import NormalizerStats
from mu0.model.checkpoint import save_checkpoint
from mu0.model.predictor import TracePredictor
from mu0.model.presets import preset
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel

BLOBS = {"red": (30, 25), "green": (95, 30), "blue": (40, 70), "yellow": (120, 75)}  # x, y of their centres
COLOURS = {"red": (200, 30, 30), "green": (30, 170, 40), "blue": (30, 50, 200), "yellow": (220, 210, 30)}
RADIUS_PX = 11


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def shaken_model(**changes: Any) -> TraceWorldModel:
    torch.manual_seed(0)
    tokenizer = train_tokenizer(["pick the red apple into the sink", "open the drawer"], 512, 24)
    statistics = NormalizerStats(0.9, 0.5, 0.1, 1, 8, 32, depth_log_min=-1.0, depth_log_max=1.0)
    model = TraceWorldModel(preset("tiny", **changes), tokenizer, statistics)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


@pytest.fixture(scope="session")
def predictor() -> TracePredictor:
    return TracePredictor(shaken_model())


@pytest.fixture(scope="session")
def knowing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a model that says what moves."""
    folder = tmp_path_factory.mktemp("knowing") / "world_model"
    save_checkpoint(folder, shaken_model(moves_head=True), {})
    return folder


@pytest.fixture(scope="session")
def checkpoint(predictor: TracePredictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint") / "world_model"
    save_checkpoint(folder, predictor.model, {})
    return folder


@pytest.fixture(scope="session")
def blobs() -> np.ndarray:
    """RGB, 100 x 150: four discs on a grey table."""
    image = np.full((100, 150, 3), 120, np.uint8)
    for name, centre in BLOBS.items():
        cv2.circle(image, centre, RADIUS_PX, COLOURS[name], cv2.FILLED)
    return image
