"""Motion: what is seen through has moved; shadows have not; extent and coverage are what they say."""

import numpy as np
import square_scene as scene

from mu0.traceextract.motion import coverage, displacement, moved_mask
from mu0.traceextract.reconstruction import reconstruct_rgbd

NOTHING = np.zeros((128, 128), bool)


def test_the_square_is_found_and_the_wall_is_not() -> None:
    mask = moved_mask(reconstruct_rgbd(scene.footage()), 0, NOTHING)
    square = np.zeros((128, 128), bool)
    square[
        scene.TOP_PX : scene.TOP_PX + scene.SQUARE_PX, scene.START_PX : scene.START_PX + scene.SQUARE_PX
    ] = True
    assert mask[square].mean() > 0.9
    assert mask[~square].mean() < 0.02


def test_a_thing_that_never_moves_is_not_found() -> None:
    assert not moved_mask(reconstruct_rgbd(scene.footage(moves=False)), 0, NOTHING).any()


def test_flow_without_a_change_of_depth_is_a_shadow() -> None:
    everything = np.ones((128, 128), bool)
    assert not moved_mask(reconstruct_rgbd(scene.footage(moves=False)), 0, everything).any()


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
