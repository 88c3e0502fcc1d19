"""μ0 behind MLflow's pyfunc interface. MLflow runs this file when it loads the model.

Request: one row per picture: `image` (base64 PNG or JPEG), `text`, `keypoints` [[x_px, y_px], …]; params
`n_samples`, `seed`.
Answer per row: `uvz` [sample][keypoint][step][3] (see mu0/records.py) and `valid_probability`.
Without a depth image the anchor is taken to be 1 m away; traces are then right up to that distance.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from mu0.errors import PredictionError
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries
from mu0.serving.pictures import decode_picture

ANCHOR_DEPTH_M = 1.0


class TraceModel(PythonModel):
    """Picture, sentence and keypoints -> traces."""

    def load_context(self, context: Any) -> None:
        """Load the checkpoint that was logged with this file."""
        self.predictor = TracePredictor.from_folder(Path(context.artifacts["model"]))

    def predict(
        self,
        context: Any,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One answer per row."""
        n_samples, seed = int((params or {}).get("n_samples", 1)), int((params or {}).get("seed", 0))
        return pd.DataFrame([self._answer(row, n_samples, seed) for row in model_input.to_dict("records")])

    def _answer(self, row: dict[Any, Any], n_samples: int, seed: int) -> dict[str, Any]:
        image = decode_picture(row["image"], "image")
        keypoints_px = np.array([list(point) for point in row["keypoints"]], dtype=np.float32)
        if keypoints_px.ndim != 2 or keypoints_px.shape[1] != 2:
            raise PredictionError(
                f"The field `keypoints` has shape {keypoints_px.shape}.",
                expected="a list of [x, y] in pixels",
                remedy="give at least one keypoint, e.g. [[64, 80]].",
            )
        size_px = np.array([image.shape[1], image.shape[0]], dtype=np.float32)
        depth_m = np.full((len(keypoints_px), 1), ANCHOR_DEPTH_M, dtype=np.float32)
        anchors = np.concatenate([2 * keypoints_px / size_px - 1, depth_m], axis=1)
        traces = self.predictor.predict(
            Observation(image, str(row["text"])), Queries(anchors), n_samples, seed
        )
        return {"uvz": traces.uvz.tolist(), "valid_probability": traces.valid_probability.tolist()}


set_model(TraceModel())
