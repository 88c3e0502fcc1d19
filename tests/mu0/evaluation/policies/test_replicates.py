"""Success over scenes and trainings: known rates, and intervals that know both sources of chance."""

import numpy as np
import pandas as pd

from mu0.evaluation.policies.replicates import difference, success_of


def rows(actor: str, table: np.ndarray) -> pd.DataFrame:
    training, scene = np.indices(table.shape).reshape(2, -1)
    return pd.DataFrame(
        {"actor": actor, "training_seed": training, "seed": scene, "success": table.ravel().astype(bool)}
    )


def test_rates_are_counted() -> None:
    table = np.zeros((2, 10))
    table[0, :5], table[1, :7] = 1, 1
    found = success_of(rows("a", table))
    assert found.rate == 0.6
    assert found.of_seeds == (0.5, 0.7)
    assert found.n_scenes == 10


def test_certain_success_has_no_width() -> None:
    found = success_of(rows("a", np.ones((3, 10))))
    assert (found.low, found.high) == (1.0, 1.0)


def test_trainings_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    alike = rng.random((3, 100)) < 0.5
    apart = np.stack([rng.random(100) < rate for rate in (0.1, 0.5, 0.9)])
    widths = [
        found.high - found.low for found in (success_of(rows("a", alike)), success_of(rows("a", apart)))
    ]
    assert widths[1] > 2 * widths[0]


def test_a_difference_pairs_scenes() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random((1, 200)) < 0.5
    second = np.repeat(hard, 3, axis=0)
    first = second.copy()
    first[:, :20] = True
    both = pd.concat([rows("first", first), rows("second", second)])
    found = difference(both, "first", "second")
    gained = first.mean() - second.mean()
    assert np.isclose(found.rate, gained)
    assert found.low > 0
    assert found.high - found.low < 0.1  # scenes alone would give .14


def test_trainings_that_only_one_has_are_left_out() -> None:
    first, second = np.zeros((1, 10)), np.zeros((3, 10))
    first[0, :5], second[1:] = 1, 1
    both = pd.concat([rows("first", first), rows("second", second)])
    assert difference(both, "first", "second").of_seeds == (0.5,)


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for attempt in range(60):
        truth, scene = 0.6, rng.normal(0, 0.15, 100)
        table = rng.random((5, 100)) < truth + scene
        found = success_of(rows("a", table), seed=attempt)
        covered += found.low <= truth <= found.high
    assert covered >= 52
