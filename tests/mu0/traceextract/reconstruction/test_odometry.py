"""Odometry: a still camera stays still, a known path is found, noise is not followed."""

import cv2
import numpy as np
import pytest

from mu0.traceextract.reconstruction.odometry import estimate_path
from tests.mu0.traceextract import square_scene as scene

STEP_M = 0.01


def _sideways() -> tuple[np.ndarray, np.ndarray]:
    """Stripes of wall at 1.0 and 0.5 m, seen by a camera that slides to the right by 1 cm per frame."""
    noise = np.random.default_rng(3).random((60, 120)).astype(np.float32)
    wall = (255 * cv2.resize(noise, (360, 180), interpolation=cv2.INTER_CUBIC).clip(0, 1)).astype(np.uint8)
    depth_m = np.ones((8, scene.SIZE_PX, scene.SIZE_PX), np.float32)
    depth_m[:, 32:64] = depth_m[:, 96:] = 0.5
    grey = np.zeros(depth_m.shape, np.uint8)
    for frame in range(8):
        for z_m in (1.0, 0.5):
            shift = np.array([[1, 0, -30 - STEP_M * frame * scene.FOCAL_PX / z_m], [0, 1, -20]], np.float32)
            seen = cv2.warpAffine(wall, shift, (scene.SIZE_PX, scene.SIZE_PX), flags=cv2.INTER_CUBIC)
            grey[frame][depth_m[frame] == z_m] = seen[depth_m[frame] == z_m]
    return grey, depth_m


@pytest.mark.slow
def test_a_slide_along_a_wall_is_measured_in_metres() -> None:
    grey, depth_m = _sideways()
    path = estimate_path(grey, depth_m, scene.INTRINSICS)
    moved = np.linalg.norm(np.linalg.inv(path.camera_from_world)[:, :3, 3], axis=-1)
    assert not path.is_lost.any()
    np.testing.assert_allclose(moved, STEP_M * np.arange(8), atol=0.005)


def test_a_still_camera_does_not_drift_though_something_moves() -> None:
    footage = scene.footage()
    path = estimate_path(footage.grey, footage.depth_m, scene.INTRINSICS)
    assert (path.camera_from_world == np.eye(4)).all()


def test_without_usable_depth_every_step_is_lost() -> None:
    footage = scene.footage()
    path = estimate_path(footage.grey[:4], np.zeros((4, 128, 128), np.float32), scene.INTRINSICS)
    assert path.is_lost.tolist() == [False, True, True, True]
