"""Track metrics against cases counted by hand, and truth carried exactly by its bodies."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mu0.evaluation.traces.track_metrics import (
    NOBODY,
    bodies_of_truth,
    carry_with_bodies,
    distance_errors,
    far_share,
    tapvid3d,
    visible_by_depth,
)

TRUTH = np.tile(np.array([0.0, 0.0, 1.0]), (2, 2, 1))
ALL = np.ones((2, 2), bool)
FOCAL_PX = 100.0  # 1 px is 1 cm at 1 m


def test_perfect_tracks_score_one() -> None:
    found = tapvid3d(TRUTH, ALL, TRUTH, ALL, ALL, FOCAL_PX)
    assert found.average_points_within_distance == found.average_jaccard == found.occlusion_accuracy == 1


def test_scores_of_a_hand_counted_case() -> None:
    # errors in px: 0.5, 3, 20 and one hidden point claimed visible
    predicted = TRUTH.copy()
    predicted[0, 0, 0] += 0.005
    predicted[0, 1, 0] += 0.03
    predicted[1, 0, 0] += 0.20
    truth_visible = np.array([[True, True], [True, False]])
    found = tapvid3d(predicted, ALL, TRUTH, truth_visible, ALL, FOCAL_PX)
    # within 1, 2: one of three; within 4, 8, 16: two of three
    assert found.average_points_within_distance == pytest.approx((1 + 1 + 2 + 2 + 2) / 3 / 5)
    # false positives: the misses that are claimed visible, and the hidden point
    assert found.average_jaccard == pytest.approx((2 * 1 / (3 + 3) + 3 * 2 / (3 + 2)) / 5)
    assert found.occlusion_accuracy == 0.75


def test_the_threshold_is_strict_and_grows_with_depth() -> None:
    truth = np.array([[[0.0, 0.0, 2.0]]])
    one = np.ones((1, 1), bool)
    exactly_one_px = truth + np.array([0.02, 0, 0])
    found = tapvid3d(exactly_one_px, one, truth, one, one, FOCAL_PX)
    assert found.average_points_within_distance == pytest.approx(4 / 5)


def test_frames_out_of_use_do_not_count_and_nothing_gives_nan() -> None:
    wrong = TRUTH + 5
    use = np.array([[True, True], [False, False]])
    half = np.where(use[..., None], TRUTH, wrong)
    assert tapvid3d(half, ALL, TRUTH, ALL, use, FOCAL_PX).average_jaccard == 1
    assert np.isnan(tapvid3d(TRUTH, ALL, TRUTH, ~ALL, use, FOCAL_PX).average_jaccard)


def test_distance_errors_are_median_and_p90() -> None:
    predicted = np.zeros((11, 1, 3))
    predicted[:, 0, 0] = np.arange(11) / 100
    found = distance_errors(predicted, np.zeros((11, 1, 3)), np.ones((11, 1), bool))
    assert found == {"median_error_m": pytest.approx(0.05), "p90_error_m": pytest.approx(0.09)}


def _two_bodies() -> np.ndarray:
    rng = np.random.default_rng(0)
    still, spinning = rng.normal(size=(6, 3)), rng.normal(size=(5, 3))
    turns = Rotation.from_rotvec(np.arange(12)[:, None] * [0.0, 0.1, 0.05]).as_matrix()
    moved = np.einsum("tij,nj->tni", turns, spinning) + np.arange(12)[:, None, None] * 0.01
    return np.concatenate([np.repeat(still[None], 12, 0), moved, rng.normal(size=(12, 1, 3))], 1)


def test_bodies_are_read_off_constant_distances() -> None:
    assert bodies_of_truth(_two_bodies()).tolist() == [0] * 6 + [1] * 5 + [NOBODY]


def test_points_are_carried_exactly_from_the_frame_of_choice() -> None:
    points = _two_bodies()
    visible = np.ones(points.shape[:2], bool)
    carried, body = carry_with_bodies(points[7, [0, 8]], np.array([7, 7]), points, visible, 0.01)
    assert body.tolist() == [0, 1]
    np.testing.assert_allclose(carried, points[:, [0, 8]], atol=1e-9)


def test_a_point_far_from_every_visible_truth_has_no_truth() -> None:
    points = _two_bodies()
    hidden = np.zeros(points.shape[:2], bool)
    carried, body = carry_with_bodies(points[0, :1], np.zeros(1, int), points, hidden, 0.01)
    assert body.tolist() == [NOBODY]
    assert np.isnan(carried).all()


def test_visibility_needs_the_own_depth_and_the_image() -> None:
    intrinsics = np.array([[10.0, 0, 4.5], [0, 10.0, 4.5], [0, 0, 1]])
    points = np.array([[[0, 0, 1.0], [0, 0, 1.05], [5, 0, 1.0], [0, 0, -1.0], [np.nan] * 3]])
    found = visible_by_depth(points, np.ones((1, 10, 10)), intrinsics)
    assert found.tolist() == [[True, False, False, False, False]]


def test_a_hidden_point_that_is_held_counts_as_far_and_one_that_is_cut_does_not() -> None:
    truth = np.zeros((5, 2, 3))
    truth[:, 0, 0] = [0, 0.1, 0.2, 0.3, 0.4]
    held = truth.copy()
    held[2:, 0] = truth[1, 0]  # lost after the second frame, and said to have stayed there
    use = np.ones((5, 2), bool)
    assert far_share(held, truth, use, 0.05) == 0.3
    cut = use & ~((np.arange(5)[:, None] >= 2) & [True, False])
    assert far_share(held, truth, cut, 0.05) == 0.0
    assert np.isnan(far_share(held, truth, np.zeros((5, 2), bool), 0.05))
