"""Flow matching: the exact field has no loss and is integrated exactly."""

import torch

from mu0.policy.flow import draw_times, flow_matching_loss, integrate


def test_loss_is_zero_for_the_exact_field() -> None:
    data = torch.randn(7, 16, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float32)

    def exact(x: torch.Tensor, tau: torch.Tensor) -> torch.Tensor:
        return (x - data) / tau[:, None, None]

    # float32 and division by small times leave rounding only
    assert flow_matching_loss(exact, data, torch.Generator().manual_seed(1)) < 1e-6


def test_straight_paths_are_integrated_exactly_in_any_number_of_steps() -> None:
    data, noise = torch.randn(2, 3, 16, 5, generator=torch.Generator().manual_seed(0))
    for n_steps in (1, 4, 10):
        reached = integrate(lambda x, tau: noise - data, noise, n_steps)
        torch.testing.assert_close(reached, data, atol=1e-5, rtol=0)


def test_times_follow_beta_three_halves_one() -> None:
    times = draw_times(20_000, torch.Generator().manual_seed(0))
    assert times.min() > 0
    assert times.max() <= 1
    assert abs(times.mean() - 0.6004) < 0.01
    assert abs((times > 0.5).float().mean() - 0.647) < 0.01


def test_equal_generators_give_equal_losses() -> None:
    data = torch.ones(2, 16, 5)
    losses = [flow_matching_loss(lambda x, tau: x, data, torch.Generator().manual_seed(3)) for _ in range(2)]
    assert losses[0] == losses[1]
