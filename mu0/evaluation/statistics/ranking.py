"""How well a score tells two classes apart, and whether a probability means what it says.

Sources
    AUROC as the Mann-Whitney statistic, ties count half; expected calibration error: arXiv:1706.04599.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

N_BINS = 10


def auroc(score: Float[np.ndarray, " n"], is_positive: Bool[np.ndarray, " n"]) -> float:
    """Probability that a positive has a higher score than a negative; NaN if there is none of one kind."""
    n_positive = int(is_positive.sum())
    n_negative = len(score) - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    ranks = rankdata(score)
    above = ranks[is_positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def calibration_error(probability: Float[np.ndarray, " n"], is_positive: Bool[np.ndarray, " n"]) -> float:
    """Mean distance of the stated probability from the share that came true, over ten equal bins."""
    if not len(probability):
        return float("nan")
    place = np.minimum((probability * N_BINS).astype(int), N_BINS - 1)
    weight = np.bincount(place, minlength=N_BINS)
    stated = np.bincount(place, weights=probability, minlength=N_BINS)
    true = np.bincount(place, weights=is_positive.astype(float), minlength=N_BINS)
    return float(np.abs(stated - true).sum() / weight.sum())
