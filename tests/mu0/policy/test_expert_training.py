"""Batches follow from (seed, step); training lowers the loss and goes on exactly after an interruption."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.policy.action_expert import ActionExpert
from mu0.policy.demonstrations import DemonstrationFrames, chunks_of, next_keyframes, told_in_hindsight
from mu0.policy.expert_training import TURN_SHARE, ExpertData, expert_loss
from mu0.policy.frozen_features import FrozenFeatures
from mu0.policy.normalization import fit_normalization
from mu0.training.loop import fit
from mu0.training.settings import FitSettings

Make = Callable[..., ActionExpert]
N = 24
Rows = tuple[DemonstrationFrames, FrozenFeatures | None]


@pytest.fixture(scope="module")
def rows() -> Rows:
    rng = np.random.default_rng(0)
    state = 0.1 * rng.normal(size=(N, 9)).astype(np.float32)
    action = 0.1 * rng.normal(size=(N, 5)).astype(np.float32)
    action[:, 4] = np.arange(N) // 8 % 2
    keyframe, valid = next_keyframes(state, action)
    wrist = rng.integers(0, 256, (N, 64, 64, 3), dtype=np.uint8)
    frames = DemonstrationFrames(
        front=wrist,
        wrist=wrist,
        state=state,
        chunk=chunks_of(action, 16),
        keyframe=keyframe,
        keyframe_valid=valid,
        told=told_in_hindsight(state, action),
        instruction_id=np.zeros(N, np.int64),
        instructions=["the red apple"],
    )
    mask = np.ones((N, 20), bool)
    prefix, trace = rng.normal(size=(N, 20, 12)), rng.normal(size=(N, 4, 10))
    feature_map = rng.normal(size=(N, 6, 8, 8)).astype(np.float16)
    features = FrozenFeatures(prefix.astype(np.float16), mask, trace.astype(np.float16), feature_map, 16)
    return frames, features


def data_of(rows: Rows) -> ExpertData:
    frames, features = rows
    normalization = fit_normalization(frames.state, frames.chunk)
    return ExpertData(frames, features, normalization, ("apple", "red", "sink"), 5)


@pytest.fixture(scope="module")
def data(rows: Rows) -> ExpertData:
    """For an expert that is told nothing."""
    return data_of((dataclasses.replace(rows[0], told=None), rows[1]))


def train(
    expert: ActionExpert, data: ExpertData, folder: Path, steps: int, total: int
) -> list[dict[str, float]]:
    """Train up to `steps` of `total`, as if interrupted there."""

    class Interrupted(Exception):  # noqa: N818
        """Ctrl-C."""

    def make_batch(step: int) -> object:
        return data.batch(4, 0, step)

    def loss(batch: object, generator: torch.Generator) -> dict[str, torch.Tensor]:
        seen.append(1)
        if len(seen) > steps:
            raise Interrupted
        return expert_loss(expert, batch, 2, generator)  # type: ignore[arg-type]

    seen: list[int] = []
    settings = FitSettings(total, 3e-3, 2, grad_clip=1.0, log_every=1)
    try:
        return fit(expert, make_batch, loss, settings, folder).log
    except Interrupted:
        return []


def test_batch_is_a_function_of_seed_and_step(data: ExpertData) -> None:
    first, second, other = data.batch(8, 0, 3), data.batch(8, 0, 3), data.batch(8, 0, 4)
    assert torch.equal(first.inputs.wrist, second.inputs.wrist)
    assert torch.equal(first.inputs.state, second.inputs.state)
    assert not torch.equal(first.chunk, other.chunk)


def test_half_of_the_rows_are_told_the_turn_and_all_are_told_the_place(rows: Rows) -> None:
    data = data_of(rows)
    is_open = np.flatnonzero(data.told[:, 2:].abs().sum(dim=1) > 0)
    assert len(is_open) > 5
    told = torch.cat([data.batch(64, 0, step).inputs.told for step in range(40)])
    known = {tuple(row.tolist()) for row in data.told}
    knows = told[:, 2:].abs().sum(dim=1) > 0
    assert {tuple(row.tolist()) for row in told[knows]} <= known
    assert {tuple(row[:2].tolist()) for row in told} <= {row[:2] for row in known}
    could = torch.isin(told[:, 0], data.told[is_open, 0])
    assert abs(float(knows[could].float().mean()) - TURN_SHARE) < 0.05


def test_who_is_told_and_sees_the_front_trains_on_both(rows: Rows, make_expert: Make) -> None:
    batch = data_of(rows).batch(8, 0, 0)
    assert batch.inputs.told is not None
    assert batch.inputs.front is not None
    loss = expert_loss(make_expert("grounded_front"), batch, 1, torch.Generator())["loss"]
    assert torch.isfinite(loss)


def test_keyframe_loss_skips_frames_without_one(data: ExpertData, make_expert: Make) -> None:
    batch = data.batch(8, 0, 0)
    none_valid = torch.zeros_like(batch.keyframe_valid)
    hidden = type(batch)(batch.inputs, batch.chunk, batch.keyframe, none_valid)
    with torch.no_grad():
        terms = expert_loss(make_expert("mu0"), hidden, 1, torch.Generator())
    assert terms["keyframe_loss"] == 0
    assert terms["loss"] == terms["action_loss"]


@pytest.mark.parametrize("objective", ["flow", "l1"])
@pytest.mark.slow
def test_training_lowers_the_loss(
    data: ExpertData, make_expert: Make, tmp_path: Path, objective: str
) -> None:
    log = train(make_expert("mu0", objective=objective), data, tmp_path, 60, 60)
    losses = [row["loss"] for row in log]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])


@pytest.mark.slow
def test_resumed_training_ends_with_the_same_weights(
    data: ExpertData, make_expert: Make, tmp_path: Path
) -> None:
    through, resumed = make_expert("mu0"), make_expert("mu0")
    train(through, data, tmp_path / "through", 12, 12)
    train(make_expert("mu0"), data, tmp_path / "resumed", 5, 12)
    train(resumed, data, tmp_path / "resumed", 12, 12)
    for name, tensor in through.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
