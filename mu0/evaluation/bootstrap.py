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
