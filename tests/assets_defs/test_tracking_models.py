"""A logged world model loads without pickle and answers as the predictor itself does."""

import base64
import shutil
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pandas as pd
import pytest


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


def encode_picture(image: np.ndarray) -> str:
    """RGB pixels -> base64 of a PNG."""
    _, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return base64.b64encode(data.tobytes()).decode()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_the_served_model_is_the_trained_model(
    tiny_checkpoint: Path, store_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assets_defs.tracking import configure_mlflow
    from assets_defs.tracking_models import log_pyfunc
    from mu0.model.predictor import TracePredictor
    from mu0.records import Observation, Queries

    shutil.copy(store_template, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    configure_mlflow()
    with mlflow.start_run():
        uri = log_pyfunc(tiny_checkpoint)
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    row = {"image": encode_picture(image), "text": "pick it", "keypoints": [[32.0, 24.0], [10.0, 12.0]]}
    answer = mlflow.pyfunc.load_model(uri).predict(pd.DataFrame([row]), params={"n_samples": 2, "seed": 3})
    anchors = np.array([[0.0, 0.0, 1.0], [-0.6875, -0.5, 1.0]], dtype=np.float32)
    expected = TracePredictor.from_folder(tiny_checkpoint).predict(
        Observation(image, "pick it"), Queries(anchors), n_samples=2, seed=3
    )
    np.testing.assert_allclose(np.array(answer["uvz"][0]), expected.uvz, atol=1e-6)
