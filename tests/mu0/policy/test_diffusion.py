"""Diffusion: the schedule is the published one; who knows the noise has no loss and finds the data again."""

import math

import pytest
import torch

from mu0.policy.diffusion import LIMIT, N_STEPS, denoise, noise_loss, variance_left


def squared_cosine(share: float) -> float:
    return math.cos((share + 0.008) / 1.008 * math.pi / 2) ** 2


@pytest.mark.parametrize("step", [0, 1, 24, 49, 74, 98])
def test_variance_left_is_the_squared_cosine(step: int) -> None:
    expected = squared_cosine((step + 1) / 100) / squared_cosine(0)
    assert float(variance_left(100)[step]) == pytest.approx(expected, rel=1e-12)


def test_the_last_step_keeps_a_thousandth_of_what_was_left() -> None:
    left = variance_left(100)
    assert float(left[99] / left[98]) == pytest.approx(1e-3, rel=1e-12)


def test_a_fifty_step_schedule_is_every_second_of_a_hundred() -> None:
    """But for the last one, whose share is capped."""
    torch.testing.assert_close(variance_left(50)[:-1], variance_left(100)[1:-1:2], rtol=1e-12, atol=0)


def knows(data: torch.Tensor) -> object:
    """Who knows the data knows the noise."""

    def guess(x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        left = variance_left()[step].to(x)[:, None, None]
        return (x - left.sqrt() * data) / (1 - left).sqrt()

    return guess


@pytest.fixture
def data() -> torch.Tensor:
    return LIMIT * (2 * torch.rand(4, 16, 5, generator=torch.Generator().manual_seed(0)) - 1)


@pytest.mark.parametrize("n_steps", [3, 10, 100])
def test_who_knows_the_noise_comes_back_to_the_data(data: torch.Tensor, n_steps: int) -> None:
    noise = torch.randn(data.shape, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(denoise(knows(data), noise, n_steps), data, atol=1e-5, rtol=0)


def test_steps_are_evenly_spaced_and_end_at_the_data(data: torch.Tensor) -> None:
    seen = []

    def guess(x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        seen.append(step[0].item())
        return knows(data)(x, step)

    denoise(guess, torch.zeros_like(data), 10)
    assert seen == [90, 80, 70, 60, 50, 40, 30, 20, 10, 0]


def test_what_lies_beyond_the_demonstrations_is_cut(data: torch.Tensor) -> None:
    noise = torch.randn(data.shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(denoise(knows(data + 10 * LIMIT), noise, 10), torch.full_like(data, LIMIT))


def test_who_knows_the_noise_has_no_loss(data: torch.Tensor) -> None:
    assert noise_loss(knows(data), data, torch.Generator().manual_seed(2)) < 1e-6


def test_who_always_says_nothing_has_the_variance_of_the_noise() -> None:
    many = torch.zeros(2000, 4, 4)
    loss = noise_loss(lambda x, _: torch.zeros_like(x), many, torch.Generator().manual_seed(3))
    assert float(loss) == pytest.approx(1, abs=0.03)


def test_every_step_is_drawn(data: torch.Tensor) -> None:
    steps = []

    def guess(x: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        steps.append(step)
        return x

    noise_loss(guess, data[:1].expand(4000, -1, -1), torch.Generator().manual_seed(4))
    assert set(torch.cat(steps).tolist()) == set(range(N_STEPS))
