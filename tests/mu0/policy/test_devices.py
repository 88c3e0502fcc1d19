"""Nothing of a training step or a plan is made on another device than its inputs.

The device here is `meta`, which has shapes and no numbers: what mixes it with the CPU raises, as a GPU would.
"""

from collections.abc import Callable

import pytest
import torch

from mu0.policy.action_expert import ActionExpert, PolicyInputs
from mu0.policy.devices import on_device
from mu0.policy.expert_training import ExpertBatch, expert_loss

Make = Callable[..., ActionExpert]
META = torch.device("meta")


def test_records_inside_records_move_and_what_is_missing_stays_missing(inputs: PolicyInputs) -> None:
    moved = on_device(inputs, META)
    assert moved.front is not None
    assert inputs.front is not None
    assert moved.front.prefix.device == META
    assert moved.wrist.device == META
    assert moved.told is None
    assert inputs.front.prefix.device.type == "cpu"


@pytest.mark.parametrize("variant", ["mu0", "no_trace"])
@pytest.mark.parametrize("objective", ["flow", "l1"])
def test_a_training_step_and_a_plan_stay_on_their_device(
    make_expert: Make, inputs: PolicyInputs, variant: str, objective: str
) -> None:
    expert = make_expert(variant, objective=objective).to(META)
    valid = torch.ones(3, dtype=torch.bool)
    batch = on_device(ExpertBatch(inputs, torch.zeros(3, 16, 5), torch.zeros(3, 4), valid), META)
    terms = expert_loss(expert, batch, 2, torch.Generator())
    assert {term.device for term in terms.values()} == {META}
    chunks = expert.plan(batch.inputs, torch.Generator())
    assert chunks.device == META


def test_a_step_with_its_batch_left_behind_raises(make_expert: Make, inputs: PolicyInputs) -> None:
    """What the test above relies on."""
    with pytest.raises((RuntimeError, NotImplementedError)):
        make_expert("mu0").to(META).encode(inputs)
