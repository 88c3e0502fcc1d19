"""One optimizer step, whatever the number of batches, processes or bits behind it.

    for each of the step's batches:  loss in the chosen precision -> gradients / number of batches
    mean over processes -> norm, clip -> AdamW -> moving average

A step whose loss or gradient is not finite changes nothing on any process.

Entry points
    Objective        gradients of a loss, in one process or in several
    optimizer_step   one step
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from mu0.errors import StageError
from mu0.training.settings import FitSettings, Precision
from mu0.training.sharding import is_sharded, sync_replicated, total_norm_and_clip
from mu0.training.state import TrainingState
from mu0.training.team import Team

Batch = TypeVar("Batch")
LossFunction = Callable[[Batch, torch.Generator], Mapping[str, Tensor]]
Terms = list[dict[str, Tensor]]


@dataclass(frozen=True)
class StepOutcome:
    """What a step did."""

    row: dict[str, float]  # for the log
    was_taken: bool
    n_bad: int | None = None  # place of the batch to look at, if one was bad


def step_generator(seed: int, step: int) -> torch.Generator:
    """The source of all noise of one batch."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)


def optimizer_for(model: nn.Module, settings: FitSettings) -> torch.optim.AdamW:
    """AdamW over what is trainable."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        [parameter for parameter in trainable if is_sharded(parameter) == sharded]
        for sharded in (False, True)
    ]
    return torch.optim.AdamW(
        [{"params": group} for group in groups if group],
        settings.lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse what the device cannot do.

    Raises:
        StageError: float16 outside CUDA.
    """
    if precision == "float16" and device.type != "cuda":
        raise StageError(
            f"`precision: float16` was asked for on {device.type}.",
            expected="a CUDA device: half precision needs fast float16 and a scaled loss",
            remedy="use `precision: bfloat16`, which needs no scaling, or `float32`.",
        )


class Objective:
    """The loss of a model as gradients; averages them over the team's processes."""

    def __init__(
        self, model: nn.Module, loss_function: LossFunction[Any], settings: FitSettings, team: Team
    ) -> None:
        self.model = model
        self.team = team
        self.settings = settings
        self.device = next(model.parameters()).device
        check_precision(settings.precision, self.device)
        self.is_sharded = any(map(is_sharded, model.parameters()))
        inner = _LossOf(model, loss_function)
        self._forward: nn.Module = inner
        if team.size > 1 and not self.is_sharded:
            self._forward = DistributedDataParallel(inner, find_unused_parameters=True)

    def gradients(self, batches: Sequence[Batch], step: int, scale: Callable[[Tensor], Tensor]) -> Terms:
        """Accumulate the gradients of a step; the terms of every batch, detached."""
        numbers = self.team.batch_numbers(step, len(batches))
        terms = []
        for place, (batch, number) in enumerate(zip(batches, numbers, strict=True)):
            with self._sending(is_last=place == len(batches) - 1):
                with self._autocast():
                    each = self._forward(batch, step_generator(self.settings.seed, number))
                scale(each["loss"] / len(batches)).backward()  # type: ignore[no-untyped-call]
            terms.append({name: value.detach().float() for name, value in each.items()})
        if self.is_sharded:
            sync_replicated(self.model, self.team)
        return terms

    def _autocast(self) -> Any:
        if self.settings.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.settings.precision))

    def _sending(self, *, is_last: bool) -> Any:
        """Gradients travel once per step, with the last batch."""
        if isinstance(self._forward, DistributedDataParallel) and not is_last:
            return self._forward.no_sync()
        return nullcontext()


class _LossOf(nn.Module):
    """A loss as a module's forward pass, which is where torch averages gradients."""

    def __init__(self, model: nn.Module, loss_function: LossFunction[Any]) -> None:
        super().__init__()
        self.model = model
        self.loss_function = loss_function

    def forward(self, batch: Any, generator: torch.Generator) -> dict[str, Tensor]:
        return dict(self.loss_function(batch, generator))


def optimizer_step(state: TrainingState, batches: Sequence[Batch], objective: Objective) -> StepOutcome:
    """One optimizer step, or none if a batch is bad."""
    step, optimizer, settings = state.step, state.optimizer, objective.settings
    lr = settings.lr_at(step)
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    terms = objective.gradients(batches, step, state.scaler.scale)
    state.scaler.unscale_(optimizer)
    norm = total_norm_and_clip(list(state.trainable.values()), settings.grad_clip)
    means = objective.team.mean(
        torch.stack([torch.stack(list(each.values())) for each in terms]).mean(0)
    ).tolist()
    losses = dict(zip(terms[0], means, strict=True))
    row = {"step": float(step), "lr": lr, "grad_norm": norm.item(), **losses}
    state.step += 1
    is_good = math.isfinite(losses["loss"]) and math.isfinite(row["grad_norm"])
    if is_good or state.scaler.is_enabled():
        state.scaler.step(optimizer)  # leaves out by itself what is not finite
        state.scaler.update()
    if is_good:
        state.update_average(settings.ema_decay_at(step))
        return StepOutcome(row, was_taken=True)
    if state.scaler.is_enabled() and math.isfinite(losses["loss"]):
        return StepOutcome(row, was_taken=False)  # the loss was scaled too much, which the scaler has noted
    finite = [bool(torch.isfinite(each["loss"])) for each in terms]
    return StepOutcome(row, was_taken=False, n_bad=finite.index(False) if False in finite else 0)
