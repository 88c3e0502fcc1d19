"""Trace errors: equal to a plain double loop, blind to invalid steps, exact on known answers."""

import math

import numpy as np
import pytest

from mu0.evaluation.traces.metrics import METRICS, best_of, moving_points, trace_errors

HORIZONS = (1, 8, 16, 32)


def double_loop(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """All four metrics of one pair of complete traces, as one would write them down first."""
    t = len(a)
    distance = [[math.dist(p, q) for q in b] for p in a]
    total = [[math.inf] * (t + 1) for _ in range(t + 1)]
    leash = [[math.inf] * (t + 1) for _ in range(t + 1)]
    total[0][0] = leash[0][0] = 0.0
    for i in range(1, t + 1):
        for j in range(1, t + 1):
            cost = distance[i - 1][j - 1]
            total[i][j] = cost + min(total[i - 1][j], total[i][j - 1], total[i - 1][j - 1])
            leash[i][j] = max(cost, min(leash[i - 1][j], leash[i][j - 1], leash[i - 1][j - 1]))
    return {
        "ade": sum(distance[i][i] for i in range(t)) / t,
        "fde": distance[-1][-1],
        "dtw": total[t][t] / t,
        "frechet": leash[t][t],
    }


@pytest.mark.parametrize("n_axes", [1, 2, 3])
def test_all_metrics_equal_an_independent_double_loop(n_axes: int) -> None:
    rng = np.random.default_rng(n_axes)
    truth = rng.normal(size=(23, 32, n_axes)).cumsum(axis=1)
    predicted = truth + rng.normal(size=truth.shape)
    valid = rng.random((23, 32)) < 0.7
    errors = trace_errors(predicted, truth, valid, HORIZONS)
    for place, horizon in enumerate(HORIZONS):
        for n in range(len(truth)):
            seen = valid[n, :horizon]
            if not seen.any():
                assert all(np.isnan(getattr(errors, name)[place, n]) for name in METRICS)
                continue
            expected = double_loop(predicted[n, :horizon][seen], truth[n, :horizon][seen])
            for name in METRICS:
                assert getattr(errors, name)[place, n] == pytest.approx(expected[name], abs=1e-9), name


def test_more_trajectories_than_one_chunk_give_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.normal(size=(2, 600, 6, 2))
    valid = np.ones((600, 6), bool)
    together = trace_errors(predicted, truth, valid, (6,)).frechet[0]
    alone = [
        trace_errors(predicted[n : n + 1], truth[n : n + 1], valid[:1], (6,)).frechet[0, 0]
        for n in (0, 300, 599)
    ]
    np.testing.assert_allclose(together[[0, 300, 599]], alone, atol=1e-12)


def test_a_constant_offset_is_every_displacement_error() -> None:
    truth = np.zeros((1, 5, 3))
    predicted = truth + np.array([3.0, 4.0, 0.0])
    errors = trace_errors(predicted, truth, np.ones((1, 5), bool), (5,))
    assert [getattr(errors, name)[0, 0] for name in METRICS] == [5.0, 5.0, 5.0, 5.0]


def test_a_late_copy_is_forgiven_by_alignment_but_not_by_displacement() -> None:
    truth = np.arange(6.0)[None, :, None]
    predicted = np.maximum(truth - 1, 0)
    errors = trace_errors(predicted, truth, np.ones((1, 6), bool), (6,))
    assert errors.ade[0, 0] == pytest.approx(5 / 6)
    assert errors.dtw[0, 0] == pytest.approx(1 / 6)  # only the last step has no partner
    assert errors.frechet[0, 0] == 1.0


def test_frechet_is_never_below_the_end_error_nor_dtw_above_ade() -> None:
    rng = np.random.default_rng(1)
    truth, predicted = rng.normal(size=(2, 50, 12, 3))
    errors = trace_errors(predicted, truth, np.ones((50, 12), bool), (12,))
    assert (errors.frechet >= errors.fde - 1e-12).all()
    assert (errors.dtw <= errors.ade + 1e-12).all()


def test_values_at_invalid_steps_do_not_matter_even_if_nan() -> None:
    rng = np.random.default_rng(2)
    truth, predicted = rng.normal(size=(2, 4, 10, 2))
    valid = np.ones((4, 10), bool)
    valid[:, 4:7] = False
    poisoned = np.where(valid[..., None], predicted, np.nan)
    for name in METRICS:
        np.testing.assert_array_equal(
            getattr(trace_errors(poisoned, truth, valid, (10,)), name),
            getattr(trace_errors(predicted, truth, valid, (10,)), name),
        )


def test_best_of_is_taken_per_keypoint() -> None:
    errors = np.array([[[1.0, 9.0]], [[8.0, 2.0]]])
    np.testing.assert_array_equal(best_of(errors), [[1.0, 2.0]])


def test_moving_points_are_those_that_leave_their_anchor_in_the_image() -> None:
    truth = np.zeros((3, 4, 3))
    truth[1, 2, 0] = 0.5
    truth[2, :, 2] = 1.0  # moves along the optical axis only
    valid = np.ones((3, 4), bool)
    np.testing.assert_array_equal(moving_points(truth, np.zeros((3, 3)), valid, 0.1), [False, True, False])
