"""The depth panel: official check values of the table and of the level of a depth."""

import math

import numpy as np
import pytest

from mu0.dataset.depth_colour import TURBO, colour_depth, depth_levels

RELEASE_RANGE = (-1.3824, 0.7629)
CHECKS = {
    0: (0.135721, 0.091403, 0.106673),
    64: (0.147987, 0.742696, 0.878716),
    128: (0.594619, 0.980705, 0.310100),
    192: (1.0, 0.493540, 0.112690),
    255: (0.565859, 0.050389, 0.0),
}


@pytest.mark.parametrize("level", CHECKS)
def test_table_has_the_official_colours(level: int) -> None:
    np.testing.assert_allclose(TURBO[level], CHECKS[level], atol=2e-6)


@pytest.mark.parametrize(
    ("depth_m", "level"), [(0.1, 255), (0.5, 173), (1.0, 90), (2.0, 8), (2.145, 0), (9.0, 0)]
)
def test_levels_within_the_release_range(depth_m: float, level: int) -> None:
    assert depth_levels(np.array([depth_m]), *RELEASE_RANGE)[0] == level


@pytest.mark.parametrize("missing", [0.0, -1.0, math.nan, math.inf, 5e-4])
def test_missing_depth_looks_far(missing: float) -> None:
    np.testing.assert_array_equal(colour_depth(np.array([[missing]]), RELEASE_RANGE)[0, 0], TURBO[0])


def test_an_empty_range_does_not_divide_by_zero() -> None:
    assert np.isfinite(colour_depth(np.array([0.5, 1.0, 2.0]), (0.0, 0.0))).all()
