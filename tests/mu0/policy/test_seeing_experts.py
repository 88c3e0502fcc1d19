"""Rivals that learn to see: eyes learn, one moment is learned by heart, the disk changes nothing."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.errors import CheckpointError
from mu0.model.checkpoint import save_checkpoint
from mu0.policy.action_expert import AbstractExpert, Variant
from mu0.policy.checkpoint import (
    ActionExpertCheckpoint,
    load_action_expert,
    save_action_expert,
    world_model_sha256,
)
from mu0.policy.expert_training import ExpertBatch, expert_loss
from mu0.policy.frozen_features import FeatureConfig
from mu0.policy.normalization import PolicyNormalization
from mu0.policy.trace_conditioned_policy import TraceConditionedPolicy
from mu0.records import Observation
from mu0.training.loop import fit
from mu0.training.settings import FitSettings
from tests.mu0.policy.rival_experts import TEXTS, make_rival, rival_inputs, tiny_world_model

RIVALS: tuple[Variant, ...] = ("diffusion_policy", "pi0")
FIRST_LAYERS = {
    "diffusion_policy": ("front.layers.0.weight", "others.0.layers.0.weight", "words.weight"),
    "pi0": ("vlm.stem.fine.1.0.weight", "vlm.smolvlm.text_model.embed_tokens.weight"),
}
STATISTICS = PolicyNormalization((0.0,) * 9, (1.0,) * 9, (0.0,) * 5, (0.05,) * 5)


def batch_of(n: int) -> ExpertBatch:
    """Rows whose chunks move by up to a decimetre, with `STATISTICS`."""
    line = torch.linspace(0, 1, 16)[:, None]
    ends = torch.randn(n, 1, 5, generator=torch.Generator().manual_seed(2)).clamp(-2, 2)
    return ExpertBatch(rival_inputs(n), ends * line, torch.zeros(n, 4), torch.ones(n, dtype=torch.bool))


@pytest.mark.parametrize("variant", RIVALS)
def test_what_it_learns_reaches_the_first_layers_that_look_and_read(variant: Variant) -> None:
    expert = make_rival(variant).train()
    terms = expert_loss(expert, batch_of(2), 2, torch.Generator().manual_seed(0))
    terms["loss"].backward()
    weights = dict(expert.named_parameters())
    for name in FIRST_LAYERS[variant]:
        assert weights[name].grad is not None, name
        assert weights[name].grad.abs().max() > 0, name
    assert terms["keyframe_loss"] == 0


@pytest.mark.parametrize("variant", RIVALS)
def test_equal_seeds_give_equal_losses_and_plans(variant: Variant) -> None:
    found = []
    for _ in range(2):
        expert, batch = make_rival(variant).eval(), batch_of(2)
        with torch.inference_mode():
            loss = expert_loss(expert, batch, 2, torch.Generator().manual_seed(5))["loss"]
            found.append((loss, expert.plan(batch.inputs, torch.Generator().manual_seed(6))))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("variant", RIVALS)
def test_a_third_camera_and_a_robot_of_seven_joints_are_seen_and_moved(variant: Variant) -> None:
    expert = make_rival(variant, n_stems=2, action_dim=7, state_dim=9).eval()
    inputs = rival_inputs(2, n_stems=2)
    assert inputs.others is not None
    other = dataclasses.replace(inputs, others=255 - inputs.others)
    with torch.inference_mode():
        first, second = (expert.plan(each, torch.Generator().manual_seed(0)) for each in (inputs, other))
    assert first.shape == (2, 16, 7)
    assert (first - second).abs().max() > 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("variant", RIVALS)
def test_one_moment_is_learned_to_a_centimetre(variant: Variant, tmp_path: Path) -> None:
    expert, batch = make_rival(variant), batch_of(1)
    expert.meet(batch.chunk)
    settings = FitSettings(steps=150, lr=3e-3, warmup_steps=5, grad_clip=1.0)
    fit(
        expert,
        lambda _: batch,
        lambda given, generator: expert_loss(expert, given, 32, generator),
        settings,
        tmp_path,
    )
    with torch.inference_mode():
        chunk = expert.plan(batch.inputs, torch.Generator().manual_seed(0))
    error_m = (chunk - batch.chunk)[..., :3] * STATISTICS.action_std[0]
    assert error_m.square().mean().sqrt() < 0.01


@pytest.fixture
def world_model(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "world_model", tiny_world_model(), {})
    return tmp_path / "world_model"


def saved(variant: Variant, folder: Path, world_model: Path) -> AbstractExpert:
    """As if trained: other weights than a fresh expert's, and a range that was met."""
    expert = make_rival(variant)
    expert.meet(3 * torch.randn(10, 16, 5, generator=torch.Generator().manual_seed(3)))
    with torch.no_grad():
        for parameter in expert.parameters():
            parameter.add_(0.01)
    meta = {"world_model_sha256": world_model_sha256(world_model)}
    checkpoint = ActionExpertCheckpoint(expert.eval(), FeatureConfig(), STATISTICS, meta)
    save_action_expert(folder, checkpoint)
    return expert


@pytest.mark.parametrize("variant", RIVALS)
def test_it_plans_the_same_when_it_comes_back_from_disk(
    variant: Variant, tmp_path: Path, world_model: Path
) -> None:
    expert = saved(variant, tmp_path / "expert", world_model)
    loaded = load_action_expert(tmp_path / "expert", world_model).expert
    assert loaded.config == expert.config
    with torch.inference_mode():
        plans = [each.plan(rival_inputs(2), torch.Generator().manual_seed(0)) for each in (expert, loaded)]
    assert torch.equal(*plans)


@pytest.mark.parametrize("variant", RIVALS)
def test_as_a_policy_it_acts_on_what_it_sees(variant: Variant, tmp_path: Path, world_model: Path) -> None:
    saved(variant, tmp_path / "expert", world_model)
    policy = TraceConditionedPolicy.load(tmp_path / "expert", world_model)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    wrist, state, chunks = np.zeros((64, 64, 3), np.uint8), np.zeros(9, np.float32), []
    for picture in (pictures[0], pictures[0], pictures[1]):
        policy.reset(0)
        seen = Observation(picture, TEXTS[0], wrist_image=wrist, proprioception=state)
        chunks.append(policy.predict_action_chunk(seen).actions)
    np.testing.assert_array_equal(chunks[0], chunks[1])
    assert np.abs(chunks[0] - chunks[2]).max() > 1e-6


def test_weights_of_one_rival_are_no_weights_of_the_other(tmp_path: Path, world_model: Path) -> None:
    saved("pi0", tmp_path / "expert", world_model)
    config = tmp_path / "expert" / "config.json"
    config.write_text(config.read_text().replace('"pi0"', '"diffusion_policy"'))
    with pytest.raises(CheckpointError, match=r"model.safetensors cannot be used"):
        load_action_expert(tmp_path / "expert", world_model)
