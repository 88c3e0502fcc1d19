"""Estimates: counting allocates nothing and is right, blank batches fit, what is too large is not timed."""

from typing import get_args

import pytest
import torch

from mu0.params.action_expert import ActionExpertParams
from mu0.policy.action_expert import ActionExpert, Variant
from mu0.policy.expert_estimate import blank_batch, blank_config, count_trainable, estimate_expert
from mu0.policy.expert_training import expert_loss

PARAMS = ActionExpertParams(steps=100, batch_size=2)


@pytest.mark.parametrize("variant", ["mu0", "no_trace", "no_pretraining", "grounded"])
def test_as_many_weights_are_counted_as_an_expert_has(variant: Variant) -> None:
    expert = ActionExpert(blank_config(variant, PARAMS))
    assert count_trainable(variant, PARAMS) == sum(weight.numel() for weight in expert.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("variant", get_args(Variant))
def test_every_variant_is_timed(variant: Variant) -> None:
    found = estimate_expert(variant, PARAMS)
    assert found.why_not_measured == ""
    assert found.step_s is not None
    assert found.total_s == pytest.approx(100 * found.step_s)
    assert found.state_bytes == 20 * found.n_trainable


def test_the_releases_size_is_not_timed_on_a_cpu() -> None:
    found = estimate_expert("mu0", PARAMS.model_copy(update={"size": "paper", "device": "cpu"}))
    assert found.why_not_measured == "too large for a CPU"
    assert found.step_s is None
    assert found.world_model == "paper"


def test_who_does_not_ask_for_time_gets_none() -> None:
    assert estimate_expert("no_trace", PARAMS, measured=False).why_not_measured == "not asked for"


def test_a_blank_batch_fits_its_expert() -> None:
    config = blank_config("mu0", PARAMS)
    terms = expert_loss(ActionExpert(config), blank_batch(config, 3), 2, torch.Generator().manual_seed(0))
    assert torch.isfinite(terms["loss"])
