"""Logging a model folder to MLflow as *models from code* with safetensors beside it.

Only a path to the model's Python file and its weights are stored. Loading runs that file (so load from
registries that you trust) and unpickles nothing: it works with MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false.
"""

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mu0
from mu0.errors import CheckpointError

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

SERVING = Path(mu0.__file__).parent / "serving"
WORLD_MODEL_CODE = SERVING / "pyfunc_world_model.py"
ACTION_EXPERT_CODE = SERVING / "pyfunc_action_expert.py"
REQUIREMENTS = ("mlflow", "torch", "transformers", "safetensors", "numpy", "opencv-python-headless")


def log_pyfunc(folder: Path) -> str:
    """Log a model folder into the active run.

    Args:
        folder: `models/world_model`, or `models/action_expert_*`, whose world model lies beside it.

    Returns:
        The URI `models:/m-…`.

    Raises:
        CheckpointError: The folder holds no weights.
    """
    import mlflow

    if not (folder / "model.safetensors").is_file():
        raise CheckpointError(
            f"{folder} has no model.safetensors.",
            expected="a trained model",
            remedy="run `mu0 run`, which trains it, or `mu0 verify --fix`, if DVC's cache holds it.",
        )
    is_expert = (folder / "normalization.json").is_file()
    artifacts = {"model": str(folder)} | (
        {"world_model": str(folder.parent / "world_model")} if is_expert else {}
    )
    with warnings.catch_warnings():  # an example would run the model; the signature is written by hand
        warnings.filterwarnings("ignore", ".*An input example was not provided")
        warnings.filterwarnings("ignore", ".*type hint is inferred as AnyType")
        info = mlflow.pyfunc.log_model(
            name=folder.name,
            python_model=str(ACTION_EXPERT_CODE if is_expert else WORLD_MODEL_CODE),
            artifacts=artifacts,
            signature=_action_signature() if is_expert else _trace_signature(),
            pip_requirements=[f"{name}=={version(name).partition('+')[0]}" for name in REQUIREMENTS],
        )
    return str(info.model_uri)


def _trace_signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    inputs: list[Any] = [
        ColSpec("string", "image"),
        ColSpec("string", "text"),
        ColSpec(Array(Array(DataType.double)), "keypoints"),
    ]
    params = ParamSchema([ParamSpec("n_samples", "integer", 1), ParamSpec("seed", "integer", 0)])
    return ModelSignature(inputs=Schema(inputs), params=params)


def _action_signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    inputs: list[Any] = [
        ColSpec("string", "image"),
        ColSpec("string", "wrist_image"),
        ColSpec("string", "text"),
        ColSpec(Array(DataType.double), "state"),
        ColSpec(Array(DataType.double), "intrinsics", required=False),
        ColSpec(Array(DataType.double), "camera_from_base", required=False),
    ]
    return ModelSignature(inputs=Schema(inputs), params=ParamSchema([ParamSpec("seed", "integer", 0)]))
