"""Diffusion policy: its range is that of the demonstrations, and both pictures, state and words matter."""

import dataclasses

import pytest
import torch

from mu0.errors import PolicyError
from mu0.policy.action_expert import PolicyInputs
from mu0.policy.diffusion_policy import DiffusionPolicy
from tests.mu0.policy.rival_experts import make_rival, rival_inputs


@pytest.fixture
def policy() -> DiffusionPolicy:
    expert = make_rival("diffusion_policy")
    assert isinstance(expert, DiffusionPolicy)
    return expert.eval()


@pytest.fixture
def inputs() -> PolicyInputs:
    return rival_inputs(2)


def test_plans_stay_within_what_demonstrations_did(policy: DiffusionPolicy, inputs: PolicyInputs) -> None:
    lowest, highest = torch.tensor([-3.0, 0, 1, 2, -1]), torch.tensor([-2.0, 1, 1.5, 4, 5])
    policy.meet(lowest + torch.rand(200, 16, 5) * (highest - lowest))
    chunk = policy.plan(inputs, torch.Generator().manual_seed(0))
    assert (chunk >= lowest - 0.01).all()
    assert (chunk <= highest + 0.01).all()


def test_a_dimension_that_never_changes_is_finite(policy: DiffusionPolicy, inputs: PolicyInputs) -> None:
    policy.meet(torch.full((3, 16, 5), 0.7))
    loss, keyframe = policy.losses(inputs, torch.full((2, 16, 5), 0.7), 2, torch.Generator().manual_seed(0))
    assert torch.isfinite(loss)
    assert keyframe is None
    chunk = policy.plan(inputs, torch.Generator().manual_seed(0))
    torch.testing.assert_close(chunk, torch.full_like(chunk, 0.7), atol=0.02, rtol=0)


@pytest.mark.parametrize("what", ["front", "wrist", "state", "words"])
def test_everything_that_is_seen_matters(policy: DiffusionPolicy, inputs: PolicyInputs, what: str) -> None:
    assert inputs.picture is not None
    front = dataclasses.replace(inputs.picture, pixels=255 - inputs.picture.pixels)
    other = dataclasses.replace(
        inputs,
        **{
            "front": {"picture": front},
            "wrist": {"wrist": 255 - inputs.wrist},
            "state": {"state": inputs.state + 1},
            "words": {"words": (inputs.words + 1) % 4},
        }[what],
    )
    first, second = (policy.plan(each, torch.Generator().manual_seed(0)) for each in (inputs, other))
    assert (first - second).abs().max() > 1e-5


def test_a_chunk_that_cannot_be_halved_twice_is_refused() -> None:
    with pytest.raises(PolicyError, match=r"A chunk has 10 steps\.\n.*multiple of 4.*\n.*chunk_len"):
        make_rival("diffusion_policy", chunk_len=10)
