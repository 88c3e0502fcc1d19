"""Success over scenes and training seeds: two sources of chance, told apart and together.

Scenes are shared by all trainings, and trainings differ by their seed. The interval resamples both: training
seeds, and scenes (the same ones for every training and every variant). With three seeds the resampled seeds
tell the spread between trainings only roughly, so every seed's own rate is told, too.

Source
    Two-way bootstrap of crossed factors: Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 2007.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

LEVEL = 0.95
RESAMPLES = 4000


@dataclass(frozen=True)
class Success:
    """A rate, its interval, and the rates of single trainings."""

    rate: float
    low: float
    high: float
    of_seeds: tuple[float, ...]
    n_scenes: int

    def __str__(self) -> str:
        each = ", ".join(f"{100 * rate:.0f}" for rate in self.of_seeds)
        return (
            f"{100 * self.rate:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}], single trainings {each}"
            f" ({self.n_scenes} scenes)"
        )


def success_of(rows: pd.DataFrame, seed: int = 0) -> Success:
    """Of one variant.

    Args:
        rows: One per rollout: seed (of the scene), training_seed, success.
        seed: Of the resampling.
    """
    table = _by_training(rows).to_numpy(float)
    return _told(table.mean(axis=1), _resampled(table, seed), table.shape[1])


def difference(rows: pd.DataFrame, first: str, second: str, seed: int = 0) -> Success:
    """Success of `first` minus success of `second` in the same scenes; trainings are paired by their seed.

    Scenes and training seeds that only one of both has are left out.

    Args:
        rows: One per rollout: actor, seed (of the scene), training_seed, success.
        first: An actor.
        second: Another one.
        seed: Of the resampling.
    """
    wide = [_by_training(rows[rows["actor"] == actor]) for actor in (first, second)]
    one, other = wide[0].align(wide[1], join="inner")
    apart = one.to_numpy(float) - other.to_numpy(float)
    return _told(apart.mean(axis=1), _resampled(apart, seed), apart.shape[1])


def _by_training(rows: pd.DataFrame) -> pd.DataFrame:
    """Success of every training in every scene."""
    return rows.pivot_table(index="training_seed", columns="seed", values="success", aggfunc="first")


def _resampled(table: Float[np.ndarray, "training scene"], seed: int) -> Float[np.ndarray, " resample"]:
    """Means over resampled trainings and scenes."""
    rng = np.random.default_rng(seed)
    n_trainings, n_scenes = table.shape
    by_training = rng.multinomial(n_trainings, np.full(n_trainings, 1 / n_trainings), RESAMPLES)
    by_scene = rng.multinomial(n_scenes, np.full(n_scenes, 1 / n_scenes), RESAMPLES)
    total: Float[np.ndarray, " resample"] = np.einsum("rt,ts,rs->r", by_training, table, by_scene)
    return total / (n_trainings * n_scenes)


def _told(
    of_seeds: Float[np.ndarray, " training"], drawn: Float[np.ndarray, " resample"], n_scenes: int
) -> Success:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Success(float(of_seeds.mean()), float(low), float(high), tuple(of_seeds.tolist()), n_scenes)
