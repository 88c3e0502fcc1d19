"""The camera convention: a known point falls on a known pixel."""

import numpy as np

from mu0.envs.camera import Camera, focal_from_fov_px, look_at
from mu0.envs.camera_path import CameraPath

EYE, TARGET = np.array([1.0, 0.0, 0.5]), np.array([0.0, 0.0, 0.5])


def test_the_target_lies_in_the_centre_at_its_distance() -> None:
    camera = Camera(look_at(EYE, TARGET), 64, 48, 50.0)
    pixels, depth_m = camera.project(TARGET[None])
    np.testing.assert_allclose(pixels, [[31.5, 23.5]], atol=1e-12)
    np.testing.assert_allclose(depth_m, [1.0])


def test_right_is_x_and_down_is_y() -> None:
    camera = Camera(look_at(EYE, TARGET), 64, 48, 50.0)  # looks along world -x: its right is world +y
    pixels, _ = camera.project(np.array([[0.0, 0.1, 0.5], [0.0, 0.0, 0.4]]))
    np.testing.assert_allclose(pixels, [[31.5 + 5, 23.5], [31.5, 23.5 + 5]], atol=1e-9)


def test_a_pose_is_what_numpys_cross_product_makes_of_it_bit_by_bit() -> None:
    rng = np.random.default_rng(3)
    for eye, target, up in rng.normal(size=(20, 3, 3)):
        forward = (target - eye) / np.linalg.norm(target - eye)
        right = np.cross(forward, up)
        right /= np.linalg.norm(right)
        rows = [right, np.cross(forward, right), forward]
        np.testing.assert_array_equal(look_at(eye, target, up)[:3, :3], rows)


def test_a_picture_spans_its_field_of_view() -> None:
    assert focal_from_fov_px(90.0, 100) == 50.0 or abs(focal_from_fov_px(90.0, 100) - 50.0) < 1e-9


def test_a_camera_at_rest_stays_and_a_moving_one_moves_smoothly() -> None:
    still = CameraPath(EYE, TARGET, moving=False, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(still.camera_from_world(0.0), still.camera_from_world(5.0))
    moving = CameraPath(EYE, TARGET, moving=True, rng=np.random.default_rng(0))
    poses = np.stack([moving.camera_from_world(t / 10) for t in range(80)])
    centres = -np.einsum("tji,tj->ti", poses[:, :3, :3], poses[:, :3, 3])
    steps_m = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    assert np.ptp(centres, axis=0).max() > 0.05
    assert steps_m.max() < 0.03
