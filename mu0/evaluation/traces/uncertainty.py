"""How far a trace may be off, said per keypoint and step, and made honest on validation data.

Samples of a flow model scatter more where the future is open, but their spread is no distance that one may
rely on: too few steps of training, or guidance, make it too small or too large. So the spread only orders
the difficulty, and one factor per confidence level turns it into a radius: the factor is the quantile of
error / spread over validation points, in the manner of split conformal prediction. The radius then holds the
truth for the wanted share of points of *similar* data; `coverage` says how often it really does.

    scale = fit_scale(validation_samples, truth, valid)
    radius = scale.radius(spread(samples), 0.9)          # same unit as the samples
    coverage(scale, test_samples, truth, valid)          # {0.5: ..., 0.9: ...} by level

Conventions (docs/conventions.md)
    centre   mean of the samples; the error is its distance to the truth
    spread   root mean square distance of the samples to their centre, corrected for their number
    axes     any coordinates with one unit: uv, or metres after unprojection

Sources
    Conformal quantile with scores normalised by difficulty: Papadopoulos et al. 2002; Lei et al. 2018,
    arXiv:1604.04173. Keypoints of one episode are not independent, so the guarantee is approximate.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from mu0.errors import PredictionError

LEVELS = (0.5, 0.8, 0.9, 0.95)
FLOOR_SHARE = 0.05  # of the median spread; samples that agree by chance would promise a radius of zero


@dataclass(frozen=True)
class SpreadScale:
    """What turns a spread into a radius.

    Attributes:
        levels: Confidence levels, ascending.
        factors: Radius over spread at each level.
        floor: Smallest spread that is believed, in the unit of the samples.
        n_points: Points that the factors were fitted on.
    """

    levels: tuple[float, ...]
    factors: tuple[float, ...]
    floor: float
    n_points: int

    def radius(self, spread: Float[np.ndarray, "*shape"], level: float) -> Float[np.ndarray, "*shape"]:
        """The distance from the centre within which the truth lies with probability `level`.

        Raises:
            PredictionError: The level was not fitted.
        """
        if level not in self.levels:
            raise PredictionError(
                f"No radius was fitted for the level {level}.",
                expected=f"one of {', '.join(map(str, self.levels))}",
                remedy="name the level in `fit_scale(..., levels=...)`.",
            )
        return np.maximum(spread, self.floor) * self.factors[self.levels.index(level)]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "SpreadScale":
        """The record that `to_json` described."""
        levels, factors = tuple(content["levels"]), tuple(content["factors"])
        return cls(levels, factors, float(content["floor"]), int(content["n_points"]))


def spread(samples: Float[np.ndarray, "sample n t d"]) -> Float[np.ndarray, "n t"]:
    """Root mean square distance of the samples to their mean, with Bessel's correction."""
    squares = ((samples - samples.mean(axis=0)) ** 2).sum(axis=-1)
    return np.sqrt(squares.sum(axis=0) / max(len(samples) - 1, 1))


def fit_scale(
    samples: Float[np.ndarray, "sample n t d"],
    truth: Float[np.ndarray, "n t d"],
    valid: Bool[np.ndarray, "n t"],
    levels: Sequence[float] = LEVELS,
) -> SpreadScale:
    """Factors from predictions whose truth is known; use data that the model was not trained on.

    Args:
        samples: Predictions.
        truth: What happened.
        valid: Which steps count.
        levels: Confidence levels in (0, 1).

    Raises:
        PredictionError: There are fewer than two samples, or no valid step.
    """
    if len(samples) < 2 or not valid.any():
        raise PredictionError(
            f"{len(samples)} samples and {int(valid.sum())} known steps cannot tell how sure a model is.",
            expected="at least two samples and one known step",
            remedy="predict with n_samples of 5 or more on held-out traces.",
        )
    known_spread = spread(samples)[valid]
    floor = float(max(FLOOR_SHARE * np.median(known_spread), np.finfo(np.float32).tiny))
    scores = np.sort(_errors(samples, truth)[valid] / np.maximum(known_spread, floor))
    ascending = tuple(sorted(levels))
    places = [min(math.ceil(level * (len(scores) + 1)), len(scores)) - 1 for level in ascending]
    return SpreadScale(ascending, tuple(float(scores[place]) for place in places), floor, len(scores))


def coverage(
    scale: SpreadScale,
    samples: Float[np.ndarray, "sample n t d"],
    truth: Float[np.ndarray, "n t d"],
    valid: Bool[np.ndarray, "n t"],
) -> dict[float, float]:
    """Share of known steps whose truth lies within the radius, per level; ideally the level itself."""
    errors, widths = _errors(samples, truth)[valid], spread(samples)[valid]
    return {level: float((errors <= scale.radius(widths, level)).mean()) for level in scale.levels}


def _errors(
    samples: Float[np.ndarray, "sample n t d"], truth: Float[np.ndarray, "n t d"]
) -> Float[np.ndarray, "n t"]:
    return np.linalg.norm(samples.mean(axis=0) - truth, axis=-1)
