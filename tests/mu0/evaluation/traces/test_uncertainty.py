"""Calibrated radii: they cover what they promise, whatever the samples' spread was worth."""

import json

import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.evaluation.traces.uncertainty import LEVELS, coverage, fit_scale, spread


def world(seed: int, overconfidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples whose spread is `overconfidence` times too small, around a truth of varying difficulty."""
    rng = np.random.default_rng(seed)
    difficulty = rng.uniform(0.1, 2.0, (300, 16, 1))
    truth = rng.normal(size=(300, 16, 3)) * difficulty
    samples = rng.normal(size=(8, 300, 16, 3)) * difficulty / overconfidence
    return samples, truth, rng.random((300, 16)) < 0.9


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 5.0])
def test_radii_cover_new_data_as_often_as_promised(overconfidence: float) -> None:
    scale = fit_scale(*world(0, overconfidence))
    shares = coverage(scale, *world(1, overconfidence))
    assert list(shares) == list(LEVELS)
    assert [shares[level] for level in LEVELS] == pytest.approx(LEVELS, abs=0.03)


def test_overconfident_samples_get_larger_factors() -> None:
    honest, overconfident = (fit_scale(*world(0, factor)).factors for factor in (1.0, 5.0))
    assert all(large > 3 * small for large, small in zip(overconfident, honest, strict=True))


def test_the_spread_is_the_deviation_over_all_axes() -> None:
    samples = np.random.default_rng(0).normal(size=(4000, 2, 3, 3)) * 0.5
    np.testing.assert_allclose(spread(samples), 0.5 * 3**0.5, rtol=0.05)
    assert (spread(np.ones((5, 2, 3, 3))) == 0).all()


def test_more_confidence_is_more_distance_and_invalid_steps_do_not_count() -> None:
    samples, truth, valid = world(0, 1.0)
    poisoned = np.where(valid[..., None], truth, 1e9)
    scale = fit_scale(samples, poisoned, valid)
    assert scale == fit_scale(samples, truth, valid)
    assert list(scale.factors) == sorted(scale.factors)
    assert (scale.radius(np.zeros(3), 0.9) > 0).all()


def test_the_record_survives_json() -> None:
    scale = fit_scale(*world(0, 1.0))
    assert type(scale).from_json(json.loads(json.dumps(scale.to_json()))) == scale


def test_errors_name_what_is_missing() -> None:
    samples, truth, valid = world(0, 1.0)
    with pytest.raises(PredictionError, match=r"1 samples and \d+ known steps cannot tell"):
        fit_scale(samples[:1], truth, valid)
    with pytest.raises(PredictionError, match=r"No radius was fitted for the level 0\.7"):
        fit_scale(samples, truth, valid).radius(np.ones(1), 0.7)
