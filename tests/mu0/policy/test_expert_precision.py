"""Training in bfloat16 and in float32 is the same within rounding, whichever the machine is told to use."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from mu0.hardware.bfloat16 import Choice, settled_as
from mu0.policy.action_expert import ActionExpert, PolicyInputs
from mu0.policy.expert_training import ExpertBatch, expert_loss

Make = Callable[..., ActionExpert]
ROUNDING = 2**-8
"""Of one number in bfloat16, relative."""
LR = 1e-3


def step(expert: ActionExpert, inputs: PolicyInputs, choice: Choice) -> tuple[float, np.ndarray, np.ndarray]:
    """Loss, gradient and weights after one step of gradient descent."""
    batch = ExpertBatch(inputs, torch.ones(3, 16, 5), torch.ones(3, 4), torch.ones(3, dtype=torch.bool))
    with settled_as(choice, torch.device("cpu")):
        loss = expert_loss(expert.train(), batch, 2, torch.Generator().manual_seed(0))["loss"]
        loss.backward()
    gradients = [torch.zeros_like(w) if w.grad is None else w.grad for w in expert.parameters()]
    torch.optim.SGD(expert.parameters(), LR).step()
    return (
        loss.item(),
        torch.cat([each.flatten() for each in gradients]).numpy(),
        torch.cat([each.detach().flatten() for each in expert.parameters()]).numpy(),
    )


@pytest.mark.parametrize("variant", ["mu0", "no_trace"])
def test_one_step_is_equal_within_rounding(make_expert: Make, inputs: PolicyInputs, variant: str) -> None:
    exact = step(make_expert(variant), inputs, "float32")
    rounded = step(make_expert(variant), inputs, "bfloat16")
    assert rounded[0] != exact[0], "both ran in the same precision"
    assert rounded[0] == pytest.approx(exact[0], rel=4 * ROUNDING)
    assert np.linalg.norm(rounded[1] - exact[1]) < 8 * ROUNDING * np.linalg.norm(exact[1])
    np.testing.assert_allclose(rounded[2], exact[2], atol=8 * ROUNDING * LR * np.linalg.norm(exact[1]))


@pytest.mark.parametrize("choice", ["float32", "bfloat16"])
def test_a_trained_expert_always_answers_in_float32(
    make_expert: Make, inputs: PolicyInputs, choice: Choice
) -> None:
    expert = make_expert("mu0")
    with torch.no_grad():
        with settled_as(choice, torch.device("cpu")):
            answer = expert.encode(inputs)
        with settled_as("float32", torch.device("cpu")):
            exact = expert.encode(inputs)
    assert torch.equal(answer.tokens, exact.tokens)
    assert torch.equal(answer.keyframe, exact.keyframe)
