"""An action expert with its μ0 as an MLflow pyfunc. MLflow runs this file when it loads the model.

Request: one row per moment: `image` and `wrist_image` (base64 PNG or JPEG), `text`, `state` (the nine
numbers of docs/conventions.md); param `seed`. An expert that is told where the named thing is (`grounded`)
needs the calibrated camera of `image`, too: `intrinsics` (9 numbers, row by row) and `camera_from_base` (16).
A PredictionError names the field that is no such thing, or the thing that is not there.
Answer per row: `actions` [step][5] and `rate_hz`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import UInt8
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from mu0.errors import PolicyError, PredictionError
from mu0.inference.limits import MAX_SEED, check_numbers, check_rows, check_text, check_whole_number
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.policy.wrist_encoder import WristEncoder
from mu0.records import Observation
from mu0.serving.pictures import picture_in_base64
from mu0.trace_policy.view import CalibratedView


class ActionModel(PythonModel):
    """Two pictures, a sentence and the robot's state -> the next actions."""

    def load_context(self, context: Any) -> None:
        """Load the expert and the world model that it was trained on."""
        self.view: CalibratedView | None = None
        self.policy = TraceConditionedPolicy.load(
            Path(context.artifacts["model"]), Path(context.artifacts["world_model"]), lambda: self.view
        )

    def predict(
        self,
        context: Any,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One answer per row; rows do not know of each other.

        Raises:
            PredictionError: A field or a parameter is unusable, or more is asked than one request may.
        """
        check_rows(len(model_input))
        seed = check_whole_number((params or {}).get("seed", 0), "seed", 0, MAX_SEED)
        return pd.DataFrame([self._answer(row, seed) for row in model_input.to_dict("records")])

    def _answer(self, row: dict[Any, Any], seed: int) -> dict[str, Any]:
        observation = Observation(
            image=picture_in_base64(row.get("image"), "image"),
            instruction=check_text(row.get("text"), "text"),
            wrist_image=_wrist_picture(row.get("wrist_image")),
            proprioception=check_numbers(row.get("state"), "state", self.policy.state_dim),
        )
        self.view = _view(row, *observation.image.shape[:2])
        self.policy.reset(seed)
        try:
            chunk = self.policy.predict_action_chunk(observation)
        except PolicyError as error:
            raise PredictionError(error.found, expected=error.expected, remedy=error.remedy) from error
        return {"actions": chunk.actions.tolist(), "rate_hz": chunk.rate_hz}


def _view(row: dict[Any, Any], height_px: int, width_px: int) -> CalibratedView | None:
    """The calibrated camera; None where the request tells of none."""
    if row.get("intrinsics") is None and row.get("camera_from_base") is None:
        return None
    intrinsics = check_numbers(row.get("intrinsics"), "intrinsics", 9).reshape(3, 3).astype(np.float64)
    pose = check_numbers(row.get("camera_from_base"), "camera_from_base", 16).reshape(4, 4).astype(np.float64)
    return CalibratedView(pose, intrinsics, height_px, width_px)


def _wrist_picture(text: object) -> UInt8[np.ndarray, "h w 3"]:
    image, side = picture_in_base64(text, "wrist_image"), WristEncoder.SIDE_PX
    if image.shape[:2] != (side, side):
        raise PredictionError(
            f"The field `wrist_image` is a picture of {image.shape[1]} x {image.shape[0]} px.",
            expected=f"{side} x {side} px, as in training",
            remedy="scale it; the camera of the simulated gripper is square.",
        )
    return image


set_model(ActionModel())
