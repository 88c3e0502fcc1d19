"""What a training will take, before it starts: memory counted, time measured on this machine.

The time of a step is that of a few real steps on blank data. Models that this machine could only crawl
through are not measured: those whose step does not fit into the free memory, and those above
`LARGEST_ON_CPU` weights without a GPU.

Entry point
    estimate_training    of one preset
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mu0.dataset.batch import TraceBatch
from mu0.model.presets import preset
from mu0.params.world_model import WorldModelParams
from mu0.training.acceleration import accelerated
from mu0.training.budget import measure_step_s
from mu0.training.memory import MemoryEstimate, blank_batch, blank_model, estimate_memory
from mu0.training.team import training_device
from mu0.training.world_model import fit_settings

LARGEST_ON_CPU = 50_000_000
MEASURED_STEPS = 5


@dataclass(frozen=True)
class TrainingEstimate:
    """One training of one process.

    Attributes:
        memory: Of a step.
        data_bytes: What all passes of a step read.
        step_s: Measured seconds, or None.
        why_not_measured: Empty when it was.
        total_s: Of all steps, or None.
    """

    memory: MemoryEstimate
    data_bytes: int
    step_s: float | None
    why_not_measured: str
    total_s: float | None


def estimate_training(
    params: WorldModelParams, *, measured: bool = True, n_steps: int = MEASURED_STEPS
) -> TrainingEstimate:
    """Count memory and, if `measured`, run `n_steps` steps after two that warm up.

    Raises:
        StageError: The machine cannot train as `params` says.
    """
    memory = estimate_memory(preset(params.preset), params.train)
    data_bytes = memory.batch * params.train.accumulate
    reason = _why_not(memory, params) if measured else "not asked for"
    if reason:
        return TrainingEstimate(memory, data_bytes, None, reason, None)
    step_s = _measure(params, n_steps)
    return TrainingEstimate(memory, data_bytes, step_s, "", step_s * params.train.steps)


def _why_not(memory: MemoryEstimate, params: WorldModelParams) -> str:
    device = training_device(params.train.device)
    if device.type == "cpu" and memory.n_parameters > LARGEST_ON_CPU:
        return "too large for a CPU"
    if memory.peak > free_memory(device):
        return "does not fit into the free memory"
    return ""


def free_memory(device: torch.device) -> int:
    """Bytes that a training could still take."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) * 1024


def _measure(params: WorldModelParams, n_steps: int) -> float:
    """Seconds of a step on blank data."""
    train, config = params.train, preset(params.preset)
    device = training_device(train.device)
    model = blank_model(config).to(device)

    def loss(batch: TraceBatch, generator: torch.Generator) -> dict[str, Tensor]:
        return {"loss": model.loss(batch.to(device), generator).total}

    with accelerated(
        model, checkpointing=train.checkpointing, compiling=train.compile, precision=train.precision
    ):
        return measure_step_s(
            model, lambda _: blank_batch(config, train), loss, fit_settings(train), n=n_steps
        )
