"""Dense flow of narrow pictures: OpenCV crashes unless its preset is chosen by the short side too."""

import numpy as np
import pytest

from mu0.traceextract.reconstruction.flow import LEAST_SIDE_PX, dense_flow


@pytest.mark.parametrize("size_px", [(LEAST_SIDE_PX, 300), (31, 700), (300, LEAST_SIDE_PX), (32, 300)])
def test_a_shift_is_found_in_pictures_of_any_shape(size_px: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: size_px[0], : size_px[1] + 2].astype(np.float32)
    waves = (128 + 60 * np.sin(columns / 3) + 60 * np.sin(rows / 2)).astype(np.uint8)
    before, after = np.ascontiguousarray(waves[:, 2:]), np.ascontiguousarray(waves[:, :-2])
    assert abs(np.median(dense_flow(before, after)[..., 0]) - 2) < 0.3
