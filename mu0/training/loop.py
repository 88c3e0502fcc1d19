"""One training loop for every model of mu0.

    for step in steps:  batch(step) -> loss -> clipped AdamW step -> moving average -> log, sometimes a state

Exact resume: the batch and all noise of a step depend on (seed, step) only, so a training that was killed
and started again ends with the same bytes as one that ran through (same machine, same number of threads).
Batches whose loss or gradient is not finite are left out, counted, and written to disk for inspection; too
many of them stop the training with an error.

Entry points
    fit              train a model in place; afterwards it holds the averaged weights
    step_generator   the random numbers of one step
"""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from mu0.training.bad_batch import dump_bad_batch, too_many_bad_batches
from mu0.training.interrupt import deferred_interruption
from mu0.training.settings import FitSettings
from mu0.training.state import TrainingState

Batch = TypeVar("Batch")
LossFunction = Callable[[Batch, torch.Generator], Mapping[str, Tensor]]
LOG = logging.getLogger(__name__)
TELL_EVERY_S = 10.0


@dataclass(frozen=True)
class FitResult:
    """What a training did."""

    log: list[dict[str, float]]  # rows with "step", "lr", "grad_norm", "loss" and the loss terms
    n_bad_batches: int
    steps_run: int  # in this process; fewer than asked for after a resume
    seconds: float


def step_generator(seed: int, step: int) -> torch.Generator:
    """The source of all noise of one step."""
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)


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
        make_batch: The batch of a step; must depend on the step alone. Called one step ahead in a thread.
        loss_function: Loss terms of a batch; "loss" is minimised, the others are logged.
        settings: Length and pace.
        work_folder: Holds the state for resuming and dumps of bad batches; give each training its own.
        on_log: Called with each row of the log that this process produces.

    Raises:
        KeyboardInterrupt: Ctrl-C or SIGTERM came; the state is on disk and the same call goes on from it.
        StageError: More than `max_bad_batches` batches had a non-finite loss or gradient.
        CheckpointError: The state in `work_folder` belongs to another model.
    """
    state = TrainingState(model, optimizer_for(model, settings))
    if state.read(work_folder):
        LOG.info("Going on at step %d of %d.", state.step, settings.steps)
    first, started = state.step, time.monotonic()
    keeper = _Keeper(state, work_folder, settings)
    model.train()
    with ThreadPoolExecutor(max_workers=1) as ahead, deferred_interruption() as interruption:
        following = ahead.submit(make_batch, first)
        for step in range(first, settings.steps):
            batch = following.result()
            if step + 1 < settings.steps:
                following = ahead.submit(make_batch, step + 1)
            row = _train_step(state, batch, loss_function, settings, work_folder)
            keeper.after_step(row, on_log)
            if interruption.is_requested:
                state.write(work_folder)
                raise KeyboardInterrupt
    if state.step > first:
        state.write(work_folder)  # whatever fails after the training does not cost the training
    state.use_average()
    model.eval()
    return FitResult(state.log, state.n_bad_batches, state.step - first, time.monotonic() - started)


def optimizer_for(model: nn.Module, settings: FitSettings) -> torch.optim.AdamW:
    """AdamW over what is trainable."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(
        trainable, settings.lr, betas=settings.betas, weight_decay=settings.weight_decay, fused=True
    )


def optimizer_step(
    state: TrainingState, batch: Batch, loss_function: LossFunction[Batch], settings: FitSettings
) -> tuple[dict[str, float], bool]:
    """One optimizer step, or none if the batch is bad; the row for the log, and whether it was taken."""
    step, optimizer = state.step, state.optimizer
    lr = settings.lr_at(step)
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad(set_to_none=True)
    terms = loss_function(batch, step_generator(settings.seed, step))
    terms["loss"].backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(state.trainable.values(), settings.grad_clip)
    row = {"step": float(step), "lr": lr, "grad_norm": norm.item()}
    row |= {name: value.detach().item() for name, value in terms.items()}
    state.step += 1
    if not (torch.isfinite(terms["loss"]) and torch.isfinite(norm)):
        return row, False
    optimizer.step()
    state.update_average(settings.ema_decay_at(step))
    return row, True


def _train_step(
    state: TrainingState,
    batch: Batch,
    loss_function: LossFunction[Batch],
    settings: FitSettings,
    work_folder: Path,
) -> dict[str, float]:
    """One step; a bad batch is left out, counted and kept for inspection."""
    row, was_taken = optimizer_step(state, batch, loss_function, settings)
    if was_taken:
        return row
    state.n_bad_batches += 1
    folder = dump_bad_batch(work_folder, int(row["step"]), batch, row)
    LOG.warning(
        "Step %d: loss %s, gradient %s; batch left out, see %s.",
        row["step"],
        row["loss"],
        row["grad_norm"],
        folder,
    )
    if state.n_bad_batches > settings.max_bad_batches:
        raise too_many_bad_batches(state.n_bad_batches, state.step, folder)
    return row


class _Keeper:
    """Log rows, words for the person who waits, and states from time to time."""

    def __init__(self, state: TrainingState, work_folder: Path, settings: FitSettings) -> None:
        self.state = state
        self.work_folder = work_folder
        self.settings = settings
        self.first_step = state.step
        self.started = self.told = self.written = time.monotonic()

    def after_step(
        self, row: dict[str, float], on_log: Callable[[int, dict[str, float]], None] | None
    ) -> None:
        step, now = int(row["step"]), time.monotonic()
        is_last = self.state.step == self.settings.steps
        if step % self.settings.log_every == 0 or is_last:
            self.state.log.append(row)
            if on_log is not None:
                on_log(step, row)
        if now - self.told >= TELL_EVERY_S or is_last:
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
