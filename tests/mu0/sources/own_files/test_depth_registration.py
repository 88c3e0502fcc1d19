"""Registering depth: identical cameras change nothing, the nearest surface wins, a rigid shift is seen."""

import numpy as np

from mu0.sources.own_files.depth_registration import register_depth

K = np.array([[30.0, 0, 15.5], [0, 30.0, 11.5], [0, 0, 1]])
SIZE = (24, 32)
DEPTH_M = np.random.default_rng(0).uniform(1, 2, SIZE).astype(np.float32)


def shifted(x_m: float, z_m: float) -> np.ndarray:
    transform = np.eye(4)
    transform[:3, 3] = [x_m, 0, z_m]
    return transform


def test_equal_cameras_change_nothing() -> None:
    depth_m = DEPTH_M.copy()
    depth_m[3:5, 7:9] = 0  # missing stays missing
    np.testing.assert_allclose(register_depth(depth_m, K, K, np.eye(4), SIZE), depth_m, rtol=1e-6)


def test_a_sideways_shift_moves_a_wall_by_f_x_over_z_pixels() -> None:
    wall = np.zeros(SIZE, np.float32)
    wall[10, 10] = 1.5
    moved = register_depth(wall, K, K, shifted(0.2, 0.0), SIZE)  # 30 px * 0.2 m / 1.5 m = 4 px
    assert np.argwhere(moved > 0).tolist() == [[10, 14]]
    assert moved[10, 14] == np.float32(1.5)


def test_the_nearest_surface_wins() -> None:
    depth_m = np.zeros(SIZE, np.float32)
    depth_m[10, 10], depth_m[10, 12] = 1.0, 1.5  # shifted by 6 and by 4 pixels: both land on column 16
    moved = register_depth(depth_m, K, K, shifted(0.2, 0.0), SIZE)
    assert np.argwhere(moved > 0).tolist() == [[10, 16]]
    assert moved[10, 16] == 1.0


def test_what_lies_behind_the_colour_camera_is_not_seen() -> None:
    assert register_depth(DEPTH_M, K, K, shifted(0.0, -3.0), SIZE).max() == 0
