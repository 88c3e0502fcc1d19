"""Who is measured on held-out episodes: μ0 with and without the past, and what costs nothing."""

from pathlib import Path

from mu0.baselines.constant_velocity import ConstantVelocityPredictor
from mu0.baselines.static import StaticPredictor
from mu0.evaluation.traces.predictions import Method
from mu0.model.predictor import TracePredictor


def open_methods(checkpoint: Path, future_len: int) -> list[Method]:
    """μ0 of a checkpoint twice, standing still, and going on as before.

    Args:
        checkpoint: A trained μ0.
        future_len: Steps that the baselines answer.

    Raises:
        CheckpointError: The checkpoint is missing or damaged.
    """
    mu0 = TracePredictor.from_folder(checkpoint)
    n_parameters = sum(weight.numel() for weight in mu0.model.parameters())
    return [
        Method("mu0", mu0, sees_history=False, n_parameters=n_parameters),
        Method("mu0_history", mu0, sees_history=True, n_parameters=n_parameters),
        Method("static", StaticPredictor(future_len), sees_history=False),
        Method("constant_velocity", ConstantVelocityPredictor(future_len), sees_history=True),
    ]
