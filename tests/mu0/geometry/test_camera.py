"""Cameras: known pixels, inverse pairs, and the corners of the normalised image."""

import numpy as np

from mu0.geometry.camera import (
    intrinsics_from_fov,
    project,
    scale_intrinsics,
    trace_from_uvz,
    unproject,
    uvz_from_trace,
)

INTRINSICS = np.array([[100.0, 0, 50], [0, 120, 40], [0, 0, 1]])
POINTS = np.random.default_rng(0).uniform([-1, -1, 0.5], [1, 1, 3], (5, 4, 3))


def test_a_point_on_the_axis_lands_on_the_principal_point() -> None:
    np.testing.assert_allclose(project(np.array([0.0, 0, 2]), INTRINSICS), [50, 40, 2])


def test_a_known_point_lands_on_its_pixel() -> None:
    np.testing.assert_allclose(project(np.array([[1.0, -0.5, 2]]), INTRINSICS), [[100, 10, 2]], rtol=1e-7)


def test_unproject_is_the_inverse_of_project() -> None:
    skewed = INTRINSICS + np.array([[0, 3.0, 0], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(unproject(project(POINTS, skewed), skewed), POINTS, atol=1e-7)


def test_float32_points_give_float32_pixels() -> None:
    assert project(POINTS.astype(np.float32), INTRINSICS).dtype == np.float32


def test_uvz_maps_the_corners_of_the_image_to_one() -> None:
    corners = np.array([[0.0, 0, 1], [200, 100, 2]])
    np.testing.assert_allclose(uvz_from_trace(corners, 100, 200), [[-1, -1, 1], [1, 1, 2]])
    np.testing.assert_allclose(trace_from_uvz(uvz_from_trace(corners, 100, 200), 100, 200), corners)


def test_a_right_angle_of_view_has_half_the_width_as_focal_length() -> None:
    intrinsics = intrinsics_from_fov(80, 100, np.pi / 2)
    np.testing.assert_allclose(intrinsics, [[50, 0, 50], [0, 50, 40], [0, 0, 1]])


def test_scaled_intrinsics_project_to_scaled_pixels() -> None:
    scaled = project(POINTS, scale_intrinsics(INTRINSICS, 0.5, 2.0))
    np.testing.assert_allclose(scaled, project(POINTS, INTRINSICS) * [0.5, 2.0, 1.0])
