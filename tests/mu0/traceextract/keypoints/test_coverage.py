"""Covered patches: where a seen point is and around it; points outside the image cover nothing."""

import numpy as np
import pytest

from mu0.traceextract.keypoints.coverage import covered_patches, patches_of

SIZE_PX, GRID = (64, 48), (12, 16)  # patches of 4 x 4 pixels


def covered(*pixels: tuple[float, float], seen: bool = True, with_neighbours: bool = False) -> np.ndarray:
    pixel = np.array(pixels, float).reshape(-1, 2)
    return covered_patches(pixel, np.full(len(pixel), seen), SIZE_PX, GRID, with_neighbours=with_neighbours)


def test_a_point_covers_its_patch() -> None:
    assert np.argwhere(covered((9.0, 5.0))).tolist() == [[1, 2]]
    assert np.argwhere(covered((0, 0), (63, 47))).tolist() == [[0, 0], [11, 15]]


def test_neighbours_are_covered_but_not_around_the_corner() -> None:
    assert np.argwhere(covered((0, 0), with_neighbours=True)).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert covered((30, 20), with_neighbours=True).sum() == 9


@pytest.mark.parametrize(
    "pixel", [(-3, 20), (70, 20), (30, -9), (30, 99), (-1e9, 1e9), (np.nan, 5), (np.inf, 5)]
)
def test_a_point_outside_never_marks_the_border(pixel: tuple[float, float]) -> None:
    assert not covered(pixel, with_neighbours=True).any()


def test_a_point_that_is_not_seen_covers_nothing() -> None:
    assert not covered((30, 20), seen=False).any()
    assert not covered().any()


def test_pixels_cover_from_edge_to_edge() -> None:
    place, inside = patches_of(np.array([[-0.5, 0], [-0.51, 0], [63.49, 47.49], [63.5, 0]]), SIZE_PX, GRID)
    assert inside.tolist() == [True, False, True, False]
    assert place[2].tolist() == [11, 15]
