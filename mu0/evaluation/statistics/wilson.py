"""How sure we may be of a success rate: the Wilson score interval.

Unlike the textbook interval it stays inside [0, 1] and says something sensible at 0 of n and n of n.

Source
    Wilson, 1927; recommended for small n by Brown, Cai and DasGupta, 2001.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Rate:
    """A success rate with its confidence interval."""

    n_successes: int
    n_trials: int
    rate: float
    low: float
    high: float


def wilson_interval(n_successes: int, n_trials: int, confidence: float = 0.95) -> Rate:
    """The Wilson interval of `n_successes` out of `n_trials`; without a trial everything is possible."""
    assert 0 <= n_successes <= n_trials, (n_successes, n_trials)
    if n_trials == 0:
        return Rate(0, 0, math.nan, 0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = n_successes / n_trials
    scale = 1 + z**2 / n_trials
    centre = (rate + z**2 / (2 * n_trials)) / scale
    half = z / scale * math.sqrt(rate * (1 - rate) / n_trials + z**2 / (4 * n_trials**2))
    low = 0.0 if n_successes == 0 else max(0.0, centre - half)
    high = 1.0 if n_successes == n_trials else min(1.0, centre + half)
    return Rate(n_successes, n_trials, rate, low, high)
