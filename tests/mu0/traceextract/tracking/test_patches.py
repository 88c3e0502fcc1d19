"""Patches: what is cut does not depend on how many are cut, also beyond what one call of OpenCV takes."""

import cv2
import numpy as np
import pytest

from mu0.traceextract.tracking.patches import MAX_REMAP_SIDE_PX, patches

GREY = np.random.default_rng(0).integers(0, 255, (40, 50)).astype(np.uint8)


def test_the_limit_is_opencvs_own() -> None:
    for rows, is_taken in ((MAX_REMAP_SIDE_PX, True), (MAX_REMAP_SIDE_PX + 1, False)):
        at = np.zeros((rows, 1), np.float32)
        if is_taken:
            assert cv2.remap(GREY, at, at, cv2.INTER_LINEAR).shape == (rows, 1)
        else:
            with pytest.raises(cv2.error):
                cv2.remap(GREY, at, at, cv2.INTER_LINEAR)


@pytest.mark.parametrize("radius_px", [3, 10])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_any_number_of_patches_is_cut_alike(radius_px: int, beyond: int) -> None:
    n = MAX_REMAP_SIDE_PX // (2 * radius_px + 1) + beyond
    pixel = np.random.default_rng(1).uniform(-5, 55, (n, 2))
    some = [0, n // 2, n - 2, n - 1]
    np.testing.assert_array_equal(
        patches(GREY, pixel, radius_px)[some], patches(GREY, pixel[some], radius_px)
    )


def test_no_patches_are_none() -> None:
    assert patches(GREY, np.zeros((0, 2)), 3).shape == (0, 7, 7)
