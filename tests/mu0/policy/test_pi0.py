"""π0: who sees whom goes by blocks, the prefix is passed once, and its eyes learn from actions."""

import dataclasses

import pytest
import torch

from mu0.policy.action_expert import PolicyInputs
from mu0.policy.pi0 import Pi0, expert_view
from tests.mu0.policy.rival_experts import make_rival, rival_inputs


@pytest.fixture
def pi0() -> Pi0:
    expert = make_rival("pi0")
    assert isinstance(expert, Pi0)
    return expert.eval()


@pytest.fixture
def inputs() -> PolicyInputs:
    return rival_inputs(2)


def test_the_masks_are_those_of_openpi() -> None:
    """A token sees those whose block has no greater number: prefix 0, state 1, actions 2."""
    prefix_mask = torch.tensor([[True] * 4, [True, True, False, False]])
    n_steps = 3
    block = torch.tensor([0] * 4 + [1] + [2] * n_steps)
    valid = torch.cat([prefix_mask, torch.ones(2, 1 + n_steps, dtype=torch.bool)], dim=1)
    expected = (block[None, :] <= block[:, None]) & valid[:, None]
    view = expert_view(prefix_mask, n_steps, draws=1)
    assert torch.equal(view.mask[:, 0], expected[:, 4:])
    assert torch.equal(view.position, (valid.cumsum(1) - 1)[:, 4:])


def test_actions_change_neither_the_prefix_nor_the_state_token(pi0: Pi0, inputs: PolicyInputs) -> None:
    prefix, states = pi0.look(inputs), []
    before = [key.clone() for key in prefix.keys]
    pi0.layers[-1].register_forward_hook(lambda _layer, _given, found: states.append(found[:, 0]))
    first, other = torch.randn(2, 16, 5), torch.randn(2, 16, 5)
    velocities = [pi0.velocity(prefix, inputs.state, x, torch.full((2,), 0.5)) for x in (first, other)]
    assert all(torch.equal(a, b) for a, b in zip(before, prefix.keys, strict=True))
    assert torch.equal(states[0], states[1])
    assert (velocities[0] - velocities[1]).abs().max() > 1e-4


def test_the_first_action_sees_the_last(pi0: Pi0, inputs: PolicyInputs) -> None:
    prefix, x = pi0.look(inputs), torch.randn(2, 16, 5)
    other = x.clone()
    other[:, -1] += 1
    first, second = (pi0.velocity(prefix, inputs.state, each, torch.ones(2))[:, 0] for each in (x, other))
    assert (first - second).abs().max() > 1e-6


@pytest.mark.parametrize("what", ["front", "wrist", "state", "sentence"])
def test_everything_that_is_seen_matters(pi0: Pi0, inputs: PolicyInputs, what: str) -> None:
    assert inputs.picture is not None
    picture = inputs.picture
    other = {
        "front": lambda: dataclasses.replace(
            inputs, picture=dataclasses.replace(picture, pixels=255 - picture.pixels)
        ),
        "wrist": lambda: dataclasses.replace(inputs, wrist=255 - inputs.wrist),
        "state": lambda: dataclasses.replace(inputs, state=inputs.state + 1),
        "sentence": lambda: dataclasses.replace(
            inputs, picture=dataclasses.replace(picture, tokens=picture.tokens + 1)
        ),
    }[what]()
    first, second = (pi0.plan(each, torch.Generator().manual_seed(0)) for each in (inputs, other))
    assert (first - second).abs().max() > 1e-5


def test_padding_of_the_sentence_does_not_matter(pi0: Pi0, inputs: PolicyInputs) -> None:
    assert inputs.picture is not None
    picture = inputs.picture
    longer = dataclasses.replace(
        picture,
        tokens=torch.cat([picture.tokens, torch.full((2, 3), 7)], dim=1),
        mask=torch.cat([picture.mask, torch.zeros(2, 3, dtype=torch.bool)], dim=1),
    )
    first = pi0.plan(inputs, torch.Generator().manual_seed(0))
    second = pi0.plan(dataclasses.replace(inputs, picture=longer), torch.Generator().manual_seed(0))
    torch.testing.assert_close(first, second, atol=1e-5, rtol=1e-4)


def test_noise_draws_share_what_was_seen(pi0: Pi0, inputs: PolicyInputs) -> None:
    prefix, x, tau = pi0.look(inputs), torch.randn(6, 16, 5), torch.rand(6)
    together = pi0.velocity(prefix, inputs.state, x, tau)
    every_third = pi0.velocity(prefix, inputs.state, x[1::3], tau[1::3])
    torch.testing.assert_close(together[1::3], every_third, atol=1e-5, rtol=1e-4)
