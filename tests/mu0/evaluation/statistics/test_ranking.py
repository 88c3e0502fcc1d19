"""AUROC and calibration error: known answers."""

import numpy as np
import pytest

from mu0.evaluation.statistics.ranking import auroc, calibration_error


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    assert auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])) == 0.75
    assert auroc(np.array([3.0, 2, 1]), np.array([True, False, False])) == 1.0
    assert auroc(np.array([1.0, 2, 3]), np.array([True, False, False])) == 0.0


def test_equal_scores_count_half_and_one_class_has_no_auroc() -> None:
    assert auroc(np.zeros(5), np.array([True, False, True, False, False])) == 0.5
    assert np.isnan(auroc(np.arange(3.0), np.ones(3, bool)))
    assert np.isnan(auroc(np.zeros(0), np.zeros(0, bool)))


def test_a_probability_that_comes_true_as_often_as_it_says_has_no_error() -> None:
    stated = np.repeat([0.25, 0.75], 4)
    true = np.array([1, 0, 0, 0, 1, 1, 1, 0], bool)
    assert calibration_error(stated, true) == pytest.approx(0.0)
    assert calibration_error(stated, ~true) == pytest.approx(0.5)
    assert calibration_error(np.ones(4), np.zeros(4, bool)) == 1.0
    assert np.isnan(calibration_error(np.zeros(0), np.zeros(0, bool)))
