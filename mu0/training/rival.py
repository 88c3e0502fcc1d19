"""Trains a rival of μ0 on the same windows, in the same loop, for the same time.

A rival is a module whose `loss(batch, generator)` returns loss terms with the total under "loss".

Entry points
    train_rival   for a number of steps or of seconds; validates on held-out windows
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from mu0.dataset.batch import TraceBatch
from mu0.dataset.windows import TraceWindows
from mu0.files import read_json, write_json
from mu0.params.world_model import TrainParams
from mu0.training.budget import measure_step_s, steps_for
from mu0.training.loop import FitResult, fit, step_generator
from mu0.training.team import training_device
from mu0.training.world_model import fit_settings

PLAN = "plan.json"
Log = Callable[[int, dict[str, float]], None]


@runtime_checkable
class HasLoss(Protocol):
    """What is needed of a rival beside being a module."""

    def loss(self, batch: TraceBatch, generator: torch.Generator) -> dict[str, Tensor]:
        """Loss terms; "loss" is minimised."""


@dataclass(frozen=True)
class RivalRun:
    """What a training did.

    Attributes:
        fitted: Of the loop.
        plan: Steps; and the measured seconds per step they were planned with, where time was the budget.
        validation: Mean loss terms on held-out windows; empty without them.
    """

    fitted: FitResult
    plan: dict[str, float | int]
    validation: dict[str, float]


def train_rival(
    model: nn.Module,
    windows: Mapping[str, TraceWindows],
    train: TrainParams,
    work_folder: Path,
    train_s: float | None = None,
    on_log: Log | None = None,
) -> RivalRun:
    """Train in place on `windows["train"]`, then measure the loss on `windows["val"]` if there is one.

    Args:
        model: Fresh, with a `loss`; ends on the CPU in evaluation mode. An interrupted training in
            `work_folder` goes on.
        windows: By split.
        train: Pace and seed; `steps` counts only without `train_s`.
        work_folder: Of this training alone.
        train_s: Seconds of training; the steps that fit are planned once and kept in `work_folder`.
        on_log: Called with each row of the log.
    """
    device = training_device(train.device)
    model.to(device)
    rival: HasLoss = model  # type: ignore[assignment]

    def make_batch(number: int) -> TraceBatch:
        return windows["train"].batch(number, train.batch_size, train.n_queries, train.seed)

    def loss(batch: TraceBatch, generator: torch.Generator) -> dict[str, Tensor]:
        return rival.loss(batch.to(device), generator)

    plan: dict[str, float | int] = {"steps": train.steps}
    if train_s is not None:
        if not (work_folder / PLAN).is_file():
            step_s = measure_step_s(model, make_batch, loss, fit_settings(train))
            planned: dict[str, int | float] = {
                "steps": steps_for(train_s, step_s),
                "seconds_per_step": step_s,
                "train_s": train_s,
            }
            write_json(work_folder / PLAN, planned)
        plan = dict(read_json(work_folder / PLAN))
    settings = fit_settings(train.model_copy(update={"steps": int(plan["steps"])}))
    fitted = fit(model, make_batch, loss, settings, work_folder, on_log)
    validation: dict[str, float] = {}
    if "val" in windows:
        held_out = windows["val"]
        batches = [
            held_out.batch(number, train.batch_size, train.n_queries, train.seed).to(device)
            for number in range(train.validation_batches)
        ]
        validation = _validate(rival, batches, train.seed)
    model.to("cpu")
    return RivalRun(fitted, plan, validation)


@torch.no_grad()
def _validate(rival: HasLoss, batches: Sequence[TraceBatch], seed: int) -> dict[str, float]:
    """Mean loss terms; equal seeds give equal numbers."""
    rows = [rival.loss(batch, step_generator(seed, number)) for number, batch in enumerate(batches)]
    return {name: sum(row[name].item() for row in rows) / len(rows) for name in rows[0]}
