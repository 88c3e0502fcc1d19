"""A logged world model loads without pickle and answers as the predictor itself does."""

import base64
from pathlib import Path

import cv2
import mlflow
import numpy as np
import pandas as pd
import pytest

from mu0.errors import PredictionError
from mu0.serving.pictures import decode_picture


def encode_picture(image: np.ndarray) -> str:
    """RGB pixels -> base64 of a PNG."""
    _, data = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))
    return base64.b64encode(data.tobytes()).decode()


def test_pictures_survive_the_request() -> None:
    image = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
    assert np.array_equal(decode_picture(encode_picture(image), "image"), image)


@pytest.mark.parametrize("text", ["", "not base64!", "aGVsbG8="])
def test_what_is_no_picture_is_said(text: str) -> None:
    with pytest.raises(PredictionError, match=r"The field `wrist_image` .* is not a picture"):
        decode_picture(text, "wrist_image")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_the_served_model_is_the_trained_model(
    tiny_checkpoint: Path, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mu0.model.predictor import TracePredictor
    from mu0.records import Observation, Queries
    from mu0.tracking_models import log_pyfunc
    from mu0.tracking_run import configure_mlflow

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
