"""One training loop for every model of mu0.

    for step in steps:  batches -> loss -> clipped AdamW step -> moving average -> log, sometimes a state

Exact resume: the batches and all noise of a step depend on (seed, step) only, so a training that was killed
and started again ends with the same bytes as one that ran through (same machine, same number of threads and
processes). Batches whose loss or gradient is not finite are left out, counted, and written to disk for
inspection; too many of them stop the training with an error.

Several processes (`mu0.training.team`) and several batches per step are options; see docs/training.md.

Entry points
    fit              train a model in place; afterwards it holds the averaged weights
    step_generator   the random numbers of one step
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torch import nn

from mu0.hardware.threads import cpu_threads
from mu0.training.bad_batch import dump_bad_batch, too_many_bad_batches
from mu0.training.interrupt import deferred_interruption
from mu0.training.settings import FitSettings
from mu0.training.state import TrainingState
from mu0.training.step import (
    LossFunction,
    Objective,
    optimizer_for,
    optimizer_step,
    step_generator,
)
from mu0.training.team import current_team

__all__ = ["FitResult", "LossFunction", "fit", "step_generator"]

Batch = TypeVar("Batch")
LOG = logging.getLogger(__name__)
TELL_EVERY_S = 10.0


@dataclass(frozen=True)
class FitResult:
    """What a training did."""

    log: list[dict[str, float]]  # rows with "step", "lr", "grad_norm", "loss" and the loss terms
    n_bad_batches: int
    steps_run: int  # in this process; fewer than asked for after a resume
    seconds: float
    waiting_s: float = 0.0  # of these, for batches


def fit(
    model: nn.Module,
    make_batch: Callable[[int], Batch],
    loss_function: LossFunction[Batch],
    settings: FitSettings,
    work_folder: Path,
    on_log: Callable[[int, dict[str, float]], None] | None = None,
) -> FitResult:
    """Train `model` in place and leave it with its averaged weights, in evaluation mode.

    Args:
        model: Its parameters with `requires_grad` are trained.
        make_batch: The batch of a number, which alone decides it; one process with one batch per step asks
            for the number of the step. Called one step ahead in a thread.
        loss_function: Loss terms of a batch; "loss" is minimised, the others are logged.
        settings: Length and pace.
        work_folder: Holds the state for resuming and dumps of bad batches; give each training its own.
        on_log: Called with each row of the log that this process produces.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM came; the state is on disk and the same call goes on from it.
        StageError: More than `max_bad_batches` batches had a non-finite loss or gradient, or the device
            cannot work in the precision.
        CheckpointError: The state in `work_folder` belongs to another model.
    """
    team = current_team()
    objective = Objective(model, loss_function, settings, team)
    state = TrainingState(model, optimizer_for(model, settings), settings.precision)
    if state.read(work_folder):
        LOG.info("Going on at step %d of %d.", state.step, settings.steps)
    first, started, waiting_s = state.step, time.monotonic(), 0.0
    keeper = _Keeper(state, work_folder, settings)

    def load(step: int) -> list[Batch]:
        return [make_batch(number) for number in team.batch_numbers(step, settings.accumulate)]

    model.train()
    with (
        cpu_threads(settings.threads),
        ThreadPoolExecutor(max_workers=1) as ahead,
        deferred_interruption() as interruption,
    ):
        following = ahead.submit(load, first)
        for step in range(first, settings.steps):
            asked = time.monotonic()
            batches = following.result()
            waiting_s += time.monotonic() - asked
            if step + 1 < settings.steps:
                following = ahead.submit(load, step + 1)
            row = _train_step(state, batches, objective, work_folder)
            keeper.after_step(row, on_log)
            if team.any(interruption.is_requested, objective.device):
                state.write(work_folder)
                raise interruption.exception()
    if state.step > first:
        state.write(work_folder)  # whatever fails after the training does not cost the training
    state.use_average()
    model.eval()
    seconds = time.monotonic() - started
    return FitResult(state.log, state.n_bad_batches, state.step - first, seconds, waiting_s)


def _train_step(
    state: TrainingState, batches: list[Batch], objective: Objective, work_folder: Path
) -> dict[str, float]:
    """One step; a bad batch is left out, counted and kept for inspection."""
    outcome = optimizer_step(state, batches, objective)
    row = outcome.row
    if outcome.n_bad is None:
        return row
    state.n_bad_batches += 1
    folder = dump_bad_batch(work_folder, int(row["step"]), batches[outcome.n_bad], row, objective.team.rank)
    LOG.warning(
        "Step %d: loss %s, gradient %s; batch left out, see %s.",
        row["step"],
        row["loss"],
        row["grad_norm"],
        folder,
    )
    if state.n_bad_batches > objective.settings.max_bad_batches:
        raise too_many_bad_batches(state.n_bad_batches, state.step, folder)
    return row


class _Keeper:
    """Log rows, words for the person who waits, and states from time to time."""

    def __init__(self, state: TrainingState, work_folder: Path, settings: FitSettings) -> None:
        self.state = state
        self.work_folder = work_folder
        self.settings = settings
        self.is_first = current_team().is_first
        self.first_step = state.step
        self.started = self.told = self.written = time.monotonic()

    def after_step(
        self, row: dict[str, float], on_log: Callable[[int, dict[str, float]], None] | None
    ) -> None:
        step, now = int(row["step"]), time.monotonic()
        is_last = self.state.step == self.settings.steps
        if step % self.settings.log_every == 0 or is_last:
            self.state.log.append(row)
            if on_log is not None and self.is_first:
                on_log(step, row)
        if self.is_first and (now - self.told >= TELL_EVERY_S or is_last):
            self.told = now
            self._tell(row, now)
        if now - self.written >= self.settings.checkpoint_every_s:
            self.written = now
            self.state.write(self.work_folder)

    def _tell(self, row: dict[str, float], now: float) -> None:
        steps_per_s = (self.state.step - self.first_step) / max(now - self.started, 1e-9)
        left_s = (self.settings.steps - self.state.step) / steps_per_s
        LOG.info(
            "step %d/%d  loss %.3f  %.2f steps/s  about %d:%02d left",
            self.state.step,
            self.settings.steps,
            row["loss"],
            steps_per_s,
            *divmod(round(left_s), 60),
        )
