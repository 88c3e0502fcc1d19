"""Spread points: inside the mask, far from each other, on corners, the same for the same seed."""

import cv2
import numpy as np
import pytest

from mu0.traceextract.keypoints.spread import spread_points

NOISE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8), (0, 0), 1.0)


def nearest_gap(points: np.ndarray) -> np.ndarray:
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return (gaps + 1e9 * np.eye(len(points))).min(1)


@pytest.mark.parametrize("count", [1, 7, 40])
def test_points_lie_in_the_mask_and_keep_their_distance(count: int) -> None:
    mask = np.zeros((60, 80), bool)
    mask[10:50, 20:70] = True
    points = spread_points(NOISE, mask, count, seed=1)
    assert len(points) == count
    column, row = points.astype(int).T
    assert mask[row, column].all()
    gaps, spacing = nearest_gap(points), np.sqrt(mask.sum() / count)
    assert (gaps > 0.35 * spacing).mean() > 0.9
    assert np.median(gaps) > 0.5 * spacing


def test_every_part_of_a_ragged_mask_is_near_a_point() -> None:
    mask = np.zeros((60, 80), bool)
    mask[5:8, 5:75] = True  # a thin bar, and a block
    mask[30:50, 10:30] = True
    points = spread_points(NOISE, mask, 30, seed=0)
    row, column = np.nonzero(mask)
    distance = np.linalg.norm(np.stack([column, row], 1)[:, None] - points[None], axis=-1).min(1)
    assert distance.max() < 3 * np.sqrt(mask.sum() / 30)


def test_a_point_goes_to_the_corner_nearby() -> None:
    image = np.full((60, 80), 50, np.uint8)
    image[30:, 40:] = 200
    (point,) = spread_points(image, np.ones((60, 80), bool), 1, seed=0)
    assert np.abs(point - [40, 30]).max() <= 2


def test_more_points_than_pixels_gives_the_pixels() -> None:
    mask = np.zeros((60, 80), bool)
    mask[3, 4] = mask[20, 30] = True
    assert spread_points(NOISE, mask, 9, seed=0).tolist() == [[4, 3], [30, 20]]


def test_nothing_gives_nothing() -> None:
    assert len(spread_points(NOISE, np.zeros((60, 80), bool), 5, seed=0)) == 0
    assert len(spread_points(NOISE, np.ones((60, 80), bool), 0, seed=0)) == 0


def test_equal_seeds_give_equal_points() -> None:
    mask = np.ones((60, 80), bool)
    np.testing.assert_array_equal(spread_points(NOISE, mask, 20, 5), spread_points(NOISE, mask, 20, 5))
