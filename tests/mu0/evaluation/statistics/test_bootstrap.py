"""Bootstrap intervals: known mean, clusters widen, pairs narrow, equal seeds agree, nothing gives NaN."""

import math

import numpy as np

from mu0.evaluation.statistics.bootstrap import bootstrap_mean, paired_bootstrap

RNG = np.random.default_rng(0)


def test_the_mean_is_the_plain_mean_and_lies_inside() -> None:
    values = RNG.normal(size=200)
    interval = bootstrap_mean(values, np.arange(200))
    assert interval.mean == values.mean()
    assert interval.low < interval.mean < interval.high
    assert (interval.n_values, interval.n_clusters) == (200, 200)


def test_width_agrees_with_the_normal_interval_for_independent_values() -> None:
    values = RNG.normal(size=400)
    interval = bootstrap_mean(values, np.arange(400))
    expected = 2 * 1.96 * values.std() / math.sqrt(400)
    assert abs((interval.high - interval.low) / expected - 1) < 0.1


def test_copies_of_a_value_inside_an_episode_add_no_certainty() -> None:
    values = RNG.normal(size=30)
    one_each = bootstrap_mean(values, np.arange(30))
    fifty_each = bootstrap_mean(np.repeat(values, 50), np.repeat(np.arange(30), 50))
    np.testing.assert_allclose([one_each.low, one_each.high], [fifty_each.low, fifty_each.high])


def test_pairing_removes_shared_noise() -> None:
    shared = RNG.normal(size=100) * 10
    interval = paired_bootstrap(shared - 0.5, shared, np.arange(100))
    assert interval.excludes_zero
    np.testing.assert_allclose([interval.low, interval.high], -0.5)


def test_nan_is_left_out_and_nothing_left_is_nan() -> None:
    interval = bootstrap_mean(np.array([1.0, np.nan, 3.0]), ["a", "a", "b"])
    assert (interval.mean, interval.n_values, interval.n_clusters) == (2.0, 2, 2)
    empty = bootstrap_mean(np.array([np.nan]), ["a"])
    assert math.isnan(empty.mean)
    assert not empty.excludes_zero


def test_equal_seeds_give_equal_intervals() -> None:
    values = RNG.normal(size=20)
    assert bootstrap_mean(values, np.arange(20), seed=3) == bootstrap_mean(values, np.arange(20), seed=3)
