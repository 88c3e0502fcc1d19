"""An action expert on disk, bound to the world model whose features it was trained on.

    config.json          shape of the expert, and how features are taken from the world model
    model.safetensors    weights (exponential moving average of training)
    normalization.json   statistics of states and relative actions
    embodiment.json      what the numbers of its robot mean; folders from before there was one are the UR3's
    meta.json            sha256 of the world model's weights, of statistics and embodiment; what was trained,
                         and for which task

Features of one world model mean nothing to an expert trained on another: loading such a pair is refused. An
expert of variant `stems` has no world model and needs none.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from mu0.errors import CheckpointError, StageError
from mu0.files import atomic_folder, read_json, sha256_of, write_json
from mu0.model.tensor_files import save_tensors
from mu0.policy.action_expert import AbstractExpert, ActionExpert, ActionExpertConfig
from mu0.policy.arms import PICK, TASK, Arm
from mu0.policy.embodiment import NAME, UR3, Embodiment, read_embodiment, write_embodiment
from mu0.policy.frozen_features import FeatureConfig
from mu0.policy.normalization import PolicyNormalization, read_normalization, write_normalization

WEIGHTS = "model.safetensors"
EMBODIMENT_SHA256 = "embodiment_sha256"


@dataclass(frozen=True)
class ActionExpertCheckpoint:
    """A loaded action expert with everything that belongs to it."""

    expert: AbstractExpert
    features: FeatureConfig
    normalization: PolicyNormalization
    meta: dict[str, Any]

    @property
    def embodiment(self) -> Embodiment:
        """Of the robot that it was trained for."""
        return self.normalization.embodiment

    @property
    def arm(self) -> Arm:
        """Our arm's task and what its numbers mean; of other robots the task says nothing."""
        return Arm(self.meta.get(TASK, PICK), self.embodiment)


def world_model_sha256(world_model_folder: Path) -> str:
    """The identity of a world model: the hash of its weights.

    Raises:
        CheckpointError: The folder has no weights.
    """
    path = world_model_folder / WEIGHTS
    if not path.is_file():
        raise CheckpointError(
            f"There is no {path}.",
            expected="the weights of a trained world model",
            remedy="run `mu0 run`, which trains it, or `mu0 verify --fix`, if DVC's cache holds it.",
        )
    return sha256_of(path)


def save_action_expert(folder: Path, checkpoint: ActionExpertCheckpoint) -> None:
    """Write the five files at once; an interrupted write leaves the old folder."""
    with atomic_folder(folder) as temporary:
        config = {"expert": asdict(checkpoint.expert.config), "features": asdict(checkpoint.features)}
        write_json(temporary / "config.json", config)
        save_tensors(
            {name: tensor.contiguous() for name, tensor in checkpoint.expert.state_dict().items()},
            temporary / WEIGHTS,
        )
        write_normalization(temporary / "normalization.json", checkpoint.normalization)
        write_embodiment(temporary / NAME, checkpoint.embodiment)
        meta = {
            **checkpoint.meta,
            "normalization_sha256": checkpoint.normalization.sha256(),
            EMBODIMENT_SHA256: checkpoint.embodiment.sha256(),
        }
        write_json(temporary / "meta.json", meta)


def load_action_expert(folder: Path, world_model_folder: Path | None) -> ActionExpertCheckpoint:
    """Read an action expert and check that it belongs to this world model.

    Args:
        folder: Of the expert.
        world_model_folder: Of the world model; an expert of variant `stems` looks at none.

    Raises:
        CheckpointError: A file is missing or damaged, weights do not fit the config, statistics or embodiment
            are not the recorded ones, or the expert was trained on another world model.
    """
    try:
        config = read_json(folder / "config.json")
        meta = read_json(folder / "meta.json")
        expert_config = ActionExpertConfig(
            **{**config["expert"], "vocabulary": tuple(config["expert"]["vocabulary"])}
        )
        feature_config = FeatureConfig(**config["features"])
        trained_on, statistics = meta["world_model_sha256"], meta["normalization_sha256"]
    except (StageError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder} is not an action expert: {error}.",
            expected="config.json and meta.json as mu0/policy/checkpoint.py writes them",
            remedy="train it with `mu0 run`, or restore it with `mu0 verify --fix`.",
        ) from error
    _require_world_model(folder, trained_on, world_model_folder)
    embodiment = read_embodiment(folder / NAME, meta[EMBODIMENT_SHA256]) if EMBODIMENT_SHA256 in meta else UR3
    expert = _untrained(expert_config, world_model_folder)
    try:
        expert.load_state_dict(load_file(folder / WEIGHTS))
    except (FileNotFoundError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(
            f"{folder / WEIGHTS} cannot be used: {error}.",
            expected="weights that fit config.json of the same folder",
            remedy="restore the whole folder with `mu0 verify --fix`, or train again.",
        ) from error
    normalization = read_normalization(folder / "normalization.json", statistics, embodiment)
    return ActionExpertCheckpoint(expert.eval(), feature_config, normalization, meta)


def _require_world_model(folder: Path, trained_on: str, world_model_folder: Path | None) -> None:
    """Check that an expert gets the world model that it learned to read, if it learned to read one."""
    if not trained_on:
        return
    if world_model_folder is None:
        raise CheckpointError(
            f"{folder} was trained on world model {trained_on[:12]}; none was named.",
            expected="the folder of that world model",
            remedy="name it, such as models/world_model; only experts of variant `stems` need none.",
        )
    found = world_model_sha256(world_model_folder)
    if found != trained_on:
        raise CheckpointError(
            f"{folder} was trained on world model {trained_on[:12]}; {world_model_folder} is {found[:12]}.",
            expected="the very world model whose features the expert learned to read",
            remedy="train the expert again on this world model with `mu0 run`, or check out the older one.",
        )


def _untrained(config: ActionExpertConfig, world_model_folder: Path | None) -> AbstractExpert:
    if not config.is_seeing:
        return ActionExpert(config)
    from mu0.model.checkpoint import load_checkpoint
    from mu0.policy.seeing_experts import seeing_expert

    assert world_model_folder is not None, "its identity was compared"
    return seeing_expert(config, load_checkpoint(world_model_folder), 0)
