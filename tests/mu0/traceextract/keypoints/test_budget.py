"""Budgets: sums are exact, quotas kept, nobody who lives long gets nothing."""

import numpy as np
import pytest

from mu0.traceextract.keypoints.budget import allocate, largest_remainder, shares_for_all

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("total", [0, 1, 5, 17, 160])
def test_every_point_is_given_and_every_quota_kept(total: int) -> None:
    for _ in range(50):
        weights = RNG.random(12) * (RNG.random(12) > 0.2)
        share = largest_remainder(weights, total)
        quota = total * weights / weights.sum()
        assert share.sum() == total
        assert (np.abs(share - quota) < 1).all()


def test_hamiltons_method_has_the_known_answer() -> None:
    votes = np.array([47_000.0, 16_000, 15_900, 12_000, 6_000, 3_100])
    assert largest_remainder(votes, 10).tolist() == [5, 2, 1, 1, 1, 0]


def test_nothing_weighs_nothing() -> None:
    assert largest_remainder(np.zeros(3), 5).tolist() == [0, 0, 0]
    assert largest_remainder(np.zeros(0), 5).tolist() == []


@pytest.mark.parametrize("total", [3, 7, 8, 9, 30])
def test_whoever_is_there_gets_a_point_while_there_are_enough(total: int) -> None:
    weights = np.array([1000.0, 1, 1, 0, 1, 1, 1, 1, 1])
    share = shares_for_all(weights, total)
    assert share.sum() == total
    assert share[3] == 0
    assert ((share > 0).sum()) == min(total, 8)
    assert share[0] == share.max()


def test_a_long_lived_entity_is_never_rounded_down_to_nothing() -> None:
    for n_frames, total in ((72, 36), (97, 48)):  # TraceExtract gives 0 in both cases
        points = allocate(np.full((1, n_frames), 9), total, "per_entity")
        assert points.sum() == total
        assert points.max() == 1
    small = np.zeros((3, 97), int)
    small[0] = 200  # the background, and two small things that live for ever
    small[1:] = 1
    assert (allocate(small, 48, "per_entity").sum(1) > 0).all()


def test_points_go_where_the_entity_is() -> None:
    areas = RNG.integers(0, 5, (6, 9))
    for how in ("per_entity", "peak_frame"):
        points = allocate(areas, 40, how)
        assert points.sum() == 40
        assert (points[areas == 0] == 0).all()


def test_the_peak_frame_takes_all() -> None:
    areas = np.array([[1, 4, 4], [0, 0, 2]])
    points = allocate(areas, 10, "peak_frame")
    assert (points > 0).tolist() == [[False, True, False], [False, False, True]]


def test_small_things_get_more_than_their_areas_share() -> None:
    points = allocate(np.array([[900], [100]]), 40, "per_entity")
    assert points.ravel().tolist() == [30, 10]  # 3 : 1, as the roots
