"""Equal wall-clock: whole steps only, and a measurement that leaves nothing behind."""

import time

import pytest
import torch
from torch import Tensor, nn

from mu0.errors import StageError
from mu0.training.budget import measure_step_s, steps_for
from mu0.training.settings import FitSettings

SETTINGS = FitSettings(steps=100, lr=0.1)


@pytest.mark.parametrize(
    ("seconds", "each", "steps"), [(10.0, 0.25, 40), (10.0, 3.0, 3), (1.0, 5.0, 1), (0.3, 0.1, 3)]
)
def test_only_whole_steps_count_but_at_least_one(seconds: float, each: float, steps: int) -> None:
    assert steps_for(seconds, each) == steps


def test_a_time_of_zero_is_refused() -> None:
    with pytest.raises(StageError, match=r"0\.0 s at 0\.1 s per step(.|\n)*`train_s`"):
        steps_for(0.0, 0.1)


def _model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


def test_measuring_leaves_weights_buffers_gradients_mode_and_random_numbers_as_they_were() -> None:
    model = _model().eval()
    weight = next(model.parameters())
    weight.grad = torch.ones_like(weight)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random_state = torch.random.get_rng_state()

    def loss(batch: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        return {"loss": (model(batch) + torch.rand(1, generator=generator) + torch.rand(1)).square().mean()}

    measure_step_s(model, lambda step: torch.full((5, 3), float(step)), loss, SETTINGS, n=2)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert weight.grad is not None
    assert torch.equal(weight.grad, torch.ones_like(weight))
    assert model[2].weight.grad is None
    assert not model.training
    assert torch.equal(torch.random.get_rng_state(), random_state)


def test_the_measured_time_is_that_of_the_slower_of_loading_and_learning() -> None:
    model = _model()

    def slow_loss(batch: Tensor, _generator: torch.Generator) -> dict[str, Tensor]:
        time.sleep(0.02)
        return {"loss": model(batch).square().mean()}

    def load(_step: int) -> Tensor:
        time.sleep(0.005)
        return torch.ones(5, 3)

    assert 0.02 <= measure_step_s(model, load, slow_loss, SETTINGS, n=5) < 0.2
