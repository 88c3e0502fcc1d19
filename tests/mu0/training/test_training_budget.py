"""Equal wall-clock: whole steps only, and a measurement that leaves nothing behind."""

import threading
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from mu0.errors import StageError
from mu0.training import budget
from mu0.training.budget import WARM_UP_STEPS, measure_step_s, steps_for
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


def test_the_next_batch_is_loaded_while_this_one_is_learned() -> None:
    """So a step takes as long as the slower of the two."""
    model, loaded = _model(), [threading.Event() for _ in range(WARM_UP_STEPS + 6)]
    n_learned = 0

    def load(step: int) -> Tensor:
        loaded[step].set()
        return torch.ones(5, 3)

    def loss(batch: Tensor, _generator: torch.Generator) -> dict[str, Tensor]:
        nonlocal n_learned
        n_learned += 1
        assert loaded[n_learned].wait(60), "the next batch is not loaded before this step ends"
        return {"loss": model(batch).square().mean()}

    measure_step_s(model, load, loss, SETTINGS, n=5)
    assert n_learned == WARM_UP_STEPS + 5


def test_the_measured_time_is_the_mean_of_the_steps_after_the_warm_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that moves by 9 s in every step of the warm-up, then by 1, 2, 3, 4 and 5 s."""
    durations_s = [9.0] * WARM_UP_STEPS + [1.0, 2.0, 3.0, 4.0, 5.0]
    ticks = iter([moment for duration_s in durations_s for moment in (0.0, duration_s)])
    monkeypatch.setattr(budget, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    model = _model()

    def loss(batch: Tensor, _generator: torch.Generator) -> dict[str, Tensor]:
        return {"loss": model(batch).square().mean()}

    assert measure_step_s(model, lambda _: torch.ones(5, 3), loss, SETTINGS, n=5) == 3.0
