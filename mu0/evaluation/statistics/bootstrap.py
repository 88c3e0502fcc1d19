"""How sure we may be of a mean or of a difference: bootstrap intervals clustered by episode.

Keypoints of one episode move together, so they are not independent witnesses. Whole episodes are therefore
drawn with replacement and the mean over all their keypoints is computed anew each time. For a comparison
both methods are resampled together (paired), which removes the part of the noise that they share.

Source
    Percentile bootstrap: Efron and Tibshirani, 1993; clustering: Field and Welsh, 2007.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

N_RESAMPLES = 2000
CHUNK = 250


@dataclass(frozen=True)
class Interval:
    """A mean and the range that holds it with the given confidence; NaN when there is nothing to count."""

    mean: float
    low: float
    high: float
    n_values: int
    n_clusters: int

    @property
    def excludes_zero(self) -> bool:
        """True if the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def bootstrap_mean(
    values: Float[np.ndarray, " n"],
    clusters: Sequence[str] | np.ndarray,
    *,
    seed: int = 0,
    confidence: float = 0.95,
    n_resamples: int = N_RESAMPLES,
) -> Interval:
    """Mean of `values` over all entries that are not NaN, with its interval.

    Args:
        values: One value per keypoint.
        clusters: The episode of each value.
        seed: Seed of the resampling.
        confidence: Probability mass of the interval.
        n_resamples: How often the episodes are drawn.
    """
    known = np.isfinite(values)
    if not known.any():
        return Interval(float("nan"), float("nan"), float("nan"), 0, 0)
    member, _ = pd.factorize(np.asarray(clusters)[known])
    n_clusters = int(member.max()) + 1
    sums = np.bincount(member, weights=values[known], minlength=n_clusters)
    counts = np.bincount(member, minlength=n_clusters).astype(np.float64)
    rng = np.random.default_rng(seed)
    means = []
    for first in range(0, n_resamples, CHUNK):
        draws = rng.integers(n_clusters, size=(min(CHUNK, n_resamples - first), n_clusters))
        means.append(sums[draws].sum(1) / counts[draws].sum(1))
    tail = 50 * (1 - confidence)
    low, high = np.percentile(np.concatenate(means), [tail, 100 - tail])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high), int(known.sum()), n_clusters)


def paired_bootstrap(
    values: Float[np.ndarray, " n"],
    reference: Float[np.ndarray, " n"],
    clusters: Sequence[str] | np.ndarray,
    *,
    seed: int = 0,
    confidence: float = 0.95,
    n_resamples: int = N_RESAMPLES,
) -> Interval:
    """Mean of `values - reference` with its interval; lower than the reference is negative."""
    return bootstrap_mean(
        values - reference, clusters, seed=seed, confidence=confidence, n_resamples=n_resamples
    )


@dataclass(frozen=True)
class Resampled:
    """Means of several columns, and the same means in every resampling: all columns see the same draws."""

    mean: Float[np.ndarray, " column"]
    draws: Float[np.ndarray, "resample column"]


def resample_means(
    values: Float[np.ndarray, "n column"],
    clusters: Sequence[str] | np.ndarray,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> Resampled:
    """Means over entries that are not NaN, of all values and of whole clusters drawn with replacement.

    Differences and ratios of columns of the result are paired: take them draw by draw.

    Args:
        values: One row per keypoint; NaN where a column does not know it.
        clusters: The episode of each row.
        seed: Seed of the resampling.
        n_resamples: How often the episodes are drawn.
    """
    member, _ = pd.factorize(np.asarray(clusters))
    n_clusters = int(member.max()) + 1
    known = np.isfinite(values)
    of_cluster = np.eye(n_clusters)[member].T
    sums = of_cluster @ np.where(known, values, 0.0)
    counts = of_cluster @ known.astype(np.float64)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), n_resamples).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Resampled(sums.sum(0) / counts.sum(0), (weights @ sums) / (weights @ counts))


def bounds(
    draws: Float[np.ndarray, "resample column"], confidence: float = 0.95
) -> tuple[Float[np.ndarray, " column"], Float[np.ndarray, " column"]]:
    """Lower and upper end of the percentile interval; NaN where nothing is known."""
    tail = 50 * (1 - confidence)
    low, high = np.percentile(draws, [tail, 100 - tail], axis=0)
    return low, high
