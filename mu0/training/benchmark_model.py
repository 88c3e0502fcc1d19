"""Trains one variant of μ0 for the benchmark: `train_s` seconds of this machine instead of a number of steps.

Entry points
    train_for   plan the steps that fit once, keep the plan for a resumed training, train
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from mu0.dataset.batch import TraceBatch
from mu0.dataset.windows import TraceWindows
from mu0.files import read_json, write_json
from mu0.model.world_model import TraceWorldModel
from mu0.params.world_model import TrainParams
from mu0.training.budget import measure_step_s, steps_for
from mu0.training.rival import PLAN
from mu0.training.team import training_device
from mu0.training.world_model import TrainingRun, fit_settings, train_world_model


def train_for(
    model: TraceWorldModel,
    windows: Mapping[str, TraceWindows],
    train: TrainParams,
    work_folder: Path,
    train_s: float,
    on_log: Callable[[int, dict[str, float]], None] | None = None,
) -> tuple[TrainingRun, dict[str, float | int]]:
    """Train in place for about `train_s` seconds.

    Returns:
        The run, and the plan: steps, the measured seconds per step, and train_s.
    """
    if not (work_folder / PLAN).is_file():
        step_s = _step_s(model, windows["train"], train)
        planned = {"steps": steps_for(train_s, step_s), "seconds_per_step": step_s, "train_s": train_s}
        write_json(work_folder / PLAN, planned)
    plan: dict[str, float | int] = dict(read_json(work_folder / PLAN))
    planned_train = train.model_copy(update={"steps": int(plan["steps"])})
    return train_world_model(model, windows, planned_train, work_folder, on_log), plan


def _step_s(model: TraceWorldModel, windows: TraceWindows, train: TrainParams) -> float:
    device = training_device(train.device)
    model.to(device)

    def make_batch(number: int) -> TraceBatch:
        return windows.batch(number, train.batch_size, train.n_queries, train.seed)

    def loss(batch: TraceBatch, generator: torch.Generator) -> dict[str, Tensor]:
        return {"loss": model.loss(batch.to(device), generator).total}

    return measure_step_s(model, make_batch, loss, fit_settings(train))
