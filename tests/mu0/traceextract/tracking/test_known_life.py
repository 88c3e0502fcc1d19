"""A point lives from the first to the last frame in which its place is known."""

import numpy as np

from mu0.traceextract.tracking.confidence import MIN_KNOWN, known_life


def test_what_is_held_before_and_after_is_cut_and_what_is_bridged_is_kept() -> None:
    unknown, known = MIN_KNOWN / 2, MIN_KNOWN
    confidence = np.array([[unknown, known, 0.9, unknown, unknown, 0.5, unknown]]).T
    assert known_life(confidence)[:, 0].tolist() == [False, True, True, True, True, True, False]


def test_a_point_that_is_never_known_never_lives() -> None:
    assert not known_life(np.full((5, 2), MIN_KNOWN / 2)).any()


def test_columns_do_not_know_of_each_other() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random((20, 6)) * 2 * MIN_KNOWN
    together = known_life(confidence)
    each = np.concatenate([known_life(confidence[:, [k]]) for k in range(6)], axis=1)
    np.testing.assert_array_equal(together, each)
