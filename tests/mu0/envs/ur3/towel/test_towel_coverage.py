"""The covered area is that of a union: known areas, whatever way they lie."""

import numpy as np
import pytest

from mu0.envs.ur3.towel.cloth import TRIANGLES, flat_points
from mu0.envs.ur3.towel.coverage import covered_area_m2
from mu0.envs.ur3.towel.fold import draw_towel_layout, folded_points

SQUARE = np.array([[0.0, 0.0], [0.2, 0.0], [0.2, 0.1], [0.0, 0.1]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]])


def turned(points: np.ndarray, angle_rad: float) -> np.ndarray:
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return points @ np.array([[cosine, sine], [-sine, cosine]])


@pytest.mark.parametrize("angle_rad", [0.0, 0.3, np.pi / 4, 2.0])
def test_a_flat_towel_covers_its_own_area(angle_rad: float) -> None:
    flat = turned(flat_points(np.array([0.21, 0.23])), angle_rad)
    assert covered_area_m2(flat, TRIANGLES) == pytest.approx(0.21 * 0.23, rel=2e-3)


def test_what_lies_twice_counts_once() -> None:
    both = np.concatenate([SQUARE, SQUARE + np.array([0.05, 0.02])])
    triangles = np.concatenate([HALVES, HALVES + 4])
    expected = 2 * 0.2 * 0.1 - 0.15 * 0.08
    assert covered_area_m2(turned(both, 0.4), triangles) == pytest.approx(expected, rel=5e-3)
    assert covered_area_m2(both, np.concatenate([HALVES, HALVES])) == pytest.approx(0.02, rel=1e-9)


def test_apart_areas_add_up_and_lines_without_area_have_none() -> None:
    apart = np.concatenate([SQUARE, SQUARE + np.array([0.5, 0.0])])
    assert covered_area_m2(apart, np.concatenate([HALVES, HALVES + 4])) == pytest.approx(0.04, rel=1e-9)
    line = np.array([[0.0, 0.0], [0.1, 0.1], [0.2, 0.2]])
    assert covered_area_m2(line, np.array([[0, 1, 2]])) == pytest.approx(0.0, abs=1e-12)
    assert covered_area_m2(np.zeros((3, 2)), np.array([[0, 1, 2]])) == 0.0


def test_a_turned_over_triangle_covers_as_much() -> None:
    assert covered_area_m2(SQUARE, HALVES[:, ::-1]) == pytest.approx(0.02, rel=1e-9)


def test_a_book_fold_covers_about_half() -> None:
    for seed in range(20):
        layout = draw_towel_layout(seed)
        share = covered_area_m2(folded_points(layout)[:, :2], TRIANGLES) / layout.size_m.prod()
        assert 0.48 < share < 0.6
