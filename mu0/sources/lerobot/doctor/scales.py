"""How large the motions of a dataset are, dimension by dimension: what its episodes are measured with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mu0.sources.lerobot.doctor.signals import Signals

SWITCH_VALUES = 3  # a dimension with so few values is a switch, such as a gripper that is open or closed
USUAL_SHARE = 0.95
SMALLEST = 1e-9
MIN_EPISODES = 3  # to know what is usual


@dataclass(frozen=True)
class Scale:
    """One feature over all episodes.

    Attributes:
        low: Smallest value of each dimension.
        high: Largest value.
        usual_step: What 95 % of the changes from one row to the next stay below, of those that are changes.
        largest_step: The largest change of the median episode; zero where there are too few episodes.
        is_constant: The dimension never changes.
        is_switch: The dimension takes two or three values only.
    """

    low: Float[np.ndarray, " n"]
    high: Float[np.ndarray, " n"]
    usual_step: Float[np.ndarray, " n"]
    largest_step: Float[np.ndarray, " n"]
    is_constant: Bool[np.ndarray, " n"]
    is_switch: Bool[np.ndarray, " n"]

    @property
    def span(self) -> Float[np.ndarray, " n"]:
        """Largest minus smallest value."""
        return self.high - self.low

    @property
    def moves(self) -> Bool[np.ndarray, " n"]:
        """Dimensions that move steadily: neither constant nor a switch."""
        return ~self.is_constant & ~self.is_switch


def scales_of(episodes: Sequence[Signals]) -> dict[str, Scale]:
    """The scale of every feature; only rows whose numbers are finite count."""
    names = dict.fromkeys(name for signals in episodes for name in signals.numbers)
    return {name: _scale([signals.numbers[name] for signals in episodes]) for name in names}


def _scale(parts: Sequence[Float[np.ndarray, "_ n"]]) -> Scale:
    finite = [part[np.isfinite(part).all(axis=1)] for part in parts]
    values = np.concatenate(finite)
    if not len(values):
        gone = np.zeros(values.shape[1])
        return Scale(gone, gone, gone, gone, np.ones(len(gone), bool), np.zeros(len(gone), bool))
    by_episode = [np.abs(np.diff(part, axis=0)) for part in finite if len(part) > 1]
    steps = np.concatenate([values[:0], *by_episode])
    enough = len(by_episode) >= MIN_EPISODES
    largest = [step.max(axis=0) for step in by_episode] if enough else [np.zeros(values.shape[1])]
    usual = [np.quantile(step[step > SMALLEST], USUAL_SHARE) if (step > SMALLEST).any() else 0.0
             for step in steps.T]  # fmt: skip
    n_values = np.array([len(np.unique(column[: 1 << 16])) for column in values.T])
    low, high = values.min(axis=0), values.max(axis=0)
    is_constant = high - low <= SMALLEST
    is_switch = (n_values <= SWITCH_VALUES) & ~is_constant
    return Scale(low, high, np.array(usual), np.median(largest, axis=0), is_constant, is_switch)
