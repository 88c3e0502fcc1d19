"""Motion: what is seen through has moved; shadows have not; extent and coverage are what they say."""

import numpy as np
import pytest

from mu0.traceextract.keypoints.coverage import coverage
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from mu0.traceextract.tracking.displacement import displacement
from mu0.traceextract.tracking.witnesses import call_witnesses, moved_mask
from tests.mu0.traceextract import square_scene as scene

NOTHING = np.zeros((128, 128), bool)


def _moved_mask(flow_moves: np.ndarray, *, moves: bool) -> np.ndarray:
    reconstruction = reconstruct_rgbd(scene.footage(moves=moves))
    return moved_mask(reconstruction, 0, flow_moves, call_witnesses(reconstruction))


def test_the_square_is_found_and_the_wall_is_not() -> None:
    mask = _moved_mask(NOTHING, moves=True)
    square = np.zeros((128, 128), bool)
    square[
        scene.TOP_PX : scene.TOP_PX + scene.SQUARE_PX, scene.START_PX : scene.START_PX + scene.SQUARE_PX
    ] = True
    assert mask[square].mean() > 0.9
    assert mask[~square].mean() < 0.02


def test_a_thing_that_never_moves_is_not_found() -> None:
    assert not _moved_mask(NOTHING, moves=False).any()


def test_flow_without_a_change_of_depth_is_a_shadow() -> None:
    everything = np.ones((128, 128), bool)
    assert not _moved_mask(everything, moves=False).any()


def test_a_point_that_moves_only_at_the_end_of_a_long_clip_moves() -> None:
    points = np.zeros((500, 1, 3))
    points[-4:, 0, 1] = 0.3
    assert displacement(points, np.ones((500, 1), bool)) == pytest.approx([0.3])
    points[-2:] = 0
    assert displacement(points, np.ones((500, 1), bool)).tolist() == [0]


def test_displacement_is_the_extent_of_the_used_frames() -> None:
    points = np.zeros((101, 2, 3))
    points[:, 0, 0] = np.linspace(0, 1, 101)
    points[50, 1] = 99.0
    use = np.ones((101, 2), bool)
    use[50, 1] = False
    np.testing.assert_allclose(displacement(points, use), [0.96, 0.0])


def test_coverage_counts_cells_of_visible_points_inside() -> None:
    pixel = np.array([[[1.0, 1.0], [100.0, 100.0], [-5.0, 3.0], [np.nan, 0.0]]])
    visible = np.ones((1, 4), bool)
    assert coverage(pixel, visible, 128, 128) == 2 / 256
