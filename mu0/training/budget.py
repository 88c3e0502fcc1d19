"""Equal wall-clock: how many steps of a training fit into a given time on this machine.

Rivals of different cost per step are compared at the same training time, not at the same number of steps. The
time of a step is measured on the machine that will train, with the real batches, loading included, and
nothing of the measurement stays behind: weights, buffers and gradients are as before.

Entry points
    measure_step_s   seconds of one step: loading ahead, loss, gradients, optimizer, moving average
    steps_for        the whole steps that fit into a budget
"""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from mu0.errors import StageError
from mu0.hardware.threads import cpu_threads
from mu0.training.settings import FitSettings
from mu0.training.state import TrainingState
from mu0.training.step import LossFunction, Objective, optimizer_for, optimizer_step
from mu0.training.team import current_team

Batch = TypeVar("Batch")
WARM_UP_STEPS = 2  # the first ones also fill caches and allocate the optimizer's moments


def steps_for(seconds: float, seconds_per_step: float) -> int:
    """The whole steps that fit into `seconds`; at least one.

    Raises:
        StageError: A time is not above zero.
    """
    if not (seconds > 0 and seconds_per_step > 0):
        raise StageError(
            f"A training of {seconds} s at {seconds_per_step} s per step cannot be planned.",
            expected="two times above zero",
            remedy="set `train_s` in params.yaml to the seconds that the training may take.",
        )
    return max(int(seconds / seconds_per_step + 1e-9), 1)


def measure_step_s(
    model: nn.Module,
    make_batch: Callable[[int], Batch],
    loss: LossFunction[Batch],
    settings: FitSettings,
    n: int = 40,
) -> float:
    """Mean wall-clock of a training step [s]; what a slow moment costs the measurement it costs the training.

    Args:
        model: Comes back with the same weights, buffers, gradients and mode.
        make_batch: As for `mu0.training.loop.fit`; called one step ahead in a thread, as there.
        loss: As for `fit`.
        settings: Those of the training to be planned.
        n: Steps that are measured, after two that are not.
    """
    with _untouched(model), cpu_threads(settings.threads), ThreadPoolExecutor(max_workers=1) as ahead:
        team = current_team()
        objective = Objective(model, loss, settings, team)
        state = TrainingState(model, optimizer_for(model, settings), settings.precision)

        def load(step: int) -> list[Batch]:
            return [make_batch(number) for number in team.batch_numbers(step, settings.accumulate)]

        model.train()
        durations_s = []
        following = ahead.submit(load, 0)
        for step in range(WARM_UP_STEPS + n):
            started = time.perf_counter()
            batches = following.result()
            following = ahead.submit(load, step + 1)
            optimizer_step(state, batches, objective)
            durations_s.append(time.perf_counter() - started)
    return statistics.fmean(durations_s[WARM_UP_STEPS:])


@contextmanager
def _untouched(model: nn.Module) -> Iterator[None]:
    """Give `model` back as it was, and the global random numbers too."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    kept = [*trainable, *model.buffers()]
    copies = [tensor.detach().clone() for tensor in kept]
    gradients = [parameter.grad for parameter in trainable]
    was_training = model.training
    try:
        with torch.random.fork_rng():
            yield
    finally:
        with torch.no_grad():
            for tensor, copy in zip(kept, copies, strict=True):
                tensor.copy_(copy)
        for parameter, gradient in zip(trainable, gradients, strict=True):
            parameter.grad = gradient
        model.train(was_training)
