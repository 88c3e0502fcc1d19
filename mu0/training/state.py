"""Everything that a training must remember to go on exactly where it stopped.

Weights, their moving average, the optimizer's moments and the log so far: one safetensors file (numbers
only, no pickle), replaced in one step so that a killed process leaves the last complete state. Random
numbers need no state: the batch and the noise of a step depend on (seed, step) alone.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from mu0.errors import CheckpointError
from mu0.files import atomic_file
from mu0.model.tensor_files import save_tensors
from mu0.training.settings import Precision
from mu0.training.sharding import as_shard, is_sharded, whole
from mu0.training.team import current_team

NAME = "state.safetensors"


class TrainingState:
    """Model, moving average, optimizer, position and log of one training."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, precision: Precision = "float32"
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        device = next(model.parameters()).device
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")
        self.trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.average: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in self.trainable.items()
        }
        self.step = 0
        self.n_bad_batches = 0
        self.log: list[dict[str, float]] = []

    @torch.no_grad()
    def update_average(self, decay: float) -> None:
        """Move the average towards the current weights."""
        for sharded in (False, True):
            names = [name for name, value in self.average.items() if is_sharded(value) == sharded]
            if names:
                averages = [self.average[name] for name in names]
                torch._foreach_lerp_(averages, [self.trainable[name] for name in names], 1 - decay)

    @torch.no_grad()
    def use_average(self) -> None:
        """Give the model the averaged weights; the last act of a training."""
        for name, parameter in self.trainable.items():
            parameter.copy_(self.average[name])

    def write(self, folder: Path) -> None:
        """Replace the state in `folder`; all processes of a team must call, the first one writes."""
        tensors: dict[str, Tensor] = {f"model.{name}": value for name, value in self.trainable.items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for name, parameter in self.trainable.items():
            for moment, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"{moment}.{name}"] = value
        tensors = {name: whole(value.detach()).contiguous().clone() for name, value in tensors.items()}
        about = {"step": self.step, "n_bad_batches": self.n_bad_batches, "log": self.log}
        if self.scaler.is_enabled():
            about["scaler"] = self.scaler.state_dict()
        if not current_team().is_first:
            return
        with atomic_file(folder / NAME) as temporary:
            save_tensors(tensors, temporary, metadata={"about": json.dumps(about)})

    def read(self, folder: Path) -> bool:
        """Take over the state in `folder`; False if there is none.

        Raises:
            CheckpointError: The file is damaged or belongs to another model.
        """
        path = folder / NAME
        if not path.is_file():
            return False
        try:
            with safe_open(path, framework="pt") as file:
                about: dict[str, Any] = json.loads(file.metadata()["about"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
            raise _unusable(path, str(error)) from error
        expected = {f"{kind}.{name}" for kind in ("model", "average") for name in self.trainable}
        if lacking := sorted(expected - set(tensors)):
            raise _unusable(path, f"lacks {len(lacking)} tensors, first {lacking[0]}")
        self._take(tensors)
        self.step, self.n_bad_batches, self.log = about["step"], about["n_bad_batches"], about["log"]
        if "scaler" in about:
            self.scaler.load_state_dict(about["scaler"])
        return True

    @torch.no_grad()
    def _take(self, tensors: dict[str, Tensor]) -> None:
        for name, parameter in self.trainable.items():
            parameter.copy_(as_shard(tensors[f"model.{name}"], parameter))
            self.average[name] = as_shard(tensors[f"average.{name}"], parameter).clone()
            moments = {
                moment: tensors[f"{moment}.{name}"].to(parameter.device)
                if moment == "step"
                else as_shard(tensors[f"{moment}.{name}"], parameter)
                for moment in ("step", "exp_avg", "exp_avg_sq")
                if f"{moment}.{name}" in tensors
            }
            if moments:
                self.optimizer.state[parameter] = moments


def _unusable(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"The interrupted training in {path} cannot be continued: {reason}.",
        expected="the state of this model, as the training wrote it",
        remedy=f"delete {path.parent} to train from the start.",
    )
