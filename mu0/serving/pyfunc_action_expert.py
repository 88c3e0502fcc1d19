"""An action expert with its μ0 as an MLflow pyfunc. MLflow runs this file when it loads the model.

Request: one row per moment: `image` and `wrist_image` (base64 PNG or JPEG), `text`, `state` (the nine
numbers of
docs/conventions.md); param `seed`. Answer per row: `actions` [step][5] and `rate_hz`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.records import Observation
from mu0.serving.pictures import decode_picture


class ActionModel(PythonModel):
    """Two pictures, a sentence and the robot's state -> the next actions."""

    def load_context(self, context: Any) -> None:
        """Load the expert and the world model that it was trained on."""
        self.policy = TraceConditionedPolicy.load(
            Path(context.artifacts["model"]), Path(context.artifacts["world_model"])
        )

    def predict(
        self,
        context: Any,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """One answer per row; rows do not know of each other."""
        answers = []
        for row in model_input.to_dict("records"):
            self.policy.reset(int((params or {}).get("seed", 0)))
            chunk = self.policy.predict_action_chunk(
                Observation(
                    image=decode_picture(row["image"], "image"),
                    instruction=str(row["text"]),
                    wrist_image=decode_picture(row["wrist_image"], "wrist_image"),
                    proprioception=np.asarray(row["state"], dtype=np.float32),
                )
            )
            answers.append({"actions": chunk.actions.tolist(), "rate_hz": chunk.rate_hz})
        return pd.DataFrame(answers)


set_model(ActionModel())
