"""μ0 behind MLflow's pyfunc interface. MLflow runs this file when it loads the model.

Request: one row per picture: `image` (base64 PNG or JPEG), `text`, `keypoints` [[x_px, y_px], …]; params
`n_samples`, `seed`.
Answer per row: `uvz` [sample][keypoint][step][3] (see mu0/records.py), `valid_probability`, and `moves`
[keypoint]: the probability that it leaves its place at all, null from a model that was not trained to say.
What is no such thing, or more than mu0/inference/limits.py allows, is a PredictionError that names the field.
Without a depth image the anchor is taken to be 1 m away; traces are then right up to that distance.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from mu0.inference.keypoints import lift
from mu0.inference.limits import (
    MAX_SAMPLES,
    MAX_SEED,
    check_points_px,
    check_rows,
    check_text,
    check_whole_number,
)
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries
from mu0.serving.pictures import picture_in_base64


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
        """One answer per row.

        Raises:
            PredictionError: A field or a parameter is unusable, or more is asked than one request may.
        """
        check_rows(len(model_input))
        given = params or {}
        n_samples = check_whole_number(given.get("n_samples", 1), "n_samples", 1, MAX_SAMPLES)
        seed = check_whole_number(given.get("seed", 0), "seed", 0, MAX_SEED)
        return pd.DataFrame([self._answer(row, n_samples, seed) for row in model_input.to_dict("records")])

    def _answer(self, row: dict[Any, Any], n_samples: int, seed: int) -> dict[str, Any]:
        image = picture_in_base64(row.get("image"), "image")
        text = check_text(row.get("text"), "text")
        size_px = (image.shape[1], image.shape[0])
        anchors = lift(check_points_px(row.get("keypoints"), "keypoints", size_px), size_px)
        traces = self.predictor.predict(Observation(image, text), Queries(anchors), n_samples, seed)
        return {
            "uvz": traces.uvz.tolist(),
            "valid_probability": traces.valid_probability.tolist(),
            "moves": None if traces.moves is None else traces.moves.tolist(),
        }


set_model(TraceModel())
