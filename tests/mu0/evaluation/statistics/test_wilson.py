"""Wilson intervals: textbook values, symmetric, inside [0, 1]."""

import math

import pytest

from mu0.evaluation.statistics.wilson import wilson_interval


@pytest.mark.parametrize(
    ("n_successes", "n_trials", "low", "high"),
    [(0, 40, 0.0, 0.0876), (5, 40, 0.0546, 0.2611), (12, 40, 0.1807, 0.4543), (10, 10, 0.7225, 1.0)],
)
def test_known_intervals(n_successes: int, n_trials: int, low: float, high: float) -> None:
    rate = wilson_interval(n_successes, n_trials)
    assert (round(rate.low, 4), round(rate.high, 4)) == (low, high)


def test_failures_mirror_successes() -> None:
    a, b = wilson_interval(7, 30), wilson_interval(23, 30)
    assert (a.low, a.high) == pytest.approx((1 - b.high, 1 - b.low))


def test_without_trials_everything_is_possible() -> None:
    rate = wilson_interval(0, 0)
    assert math.isnan(rate.rate)
    assert (rate.low, rate.high) == (0.0, 1.0)
