"""Recognising a place: a covered lens costs the covered frames, not the rest of the path."""

import cv2
import numpy as np
import pytest

from mu0.geometry.rigid import invert
from mu0.traceextract.reconstruction.odometry import estimate_path
from mu0.traceextract.reconstruction.relocalization import Keyframes, bridge_lost, fits_depth

STEP_M, N_FRAMES, FOCAL_PX = 0.004, 16, 200.0
INTRINSICS = np.array([[FOCAL_PX, 0, 127.5], [0, FOCAL_PX, 95.5], [0, 0, 1]])
COVERED = slice(6, 9)


def _slide() -> tuple[np.ndarray, np.ndarray]:
    """Bands of wall at 1.0 and 0.6 m, seen by a camera that slides to the right."""
    noise = np.random.default_rng(3).random((90, 160)).astype(np.float32)
    wall = (255 * cv2.resize(noise, (640, 360), interpolation=cv2.INTER_CUBIC).clip(0, 1)).astype(np.uint8)
    depth_m = np.ones((N_FRAMES, 192, 256), np.float32)
    depth_m[:, :, 64:128] = depth_m[:, :, 192:] = 0.6
    grey = np.zeros(depth_m.shape, np.uint8)
    for frame in range(N_FRAMES):
        for z_m in (1.0, 0.6):
            shift = np.array([[1, 0, -60 - STEP_M * frame * FOCAL_PX / z_m], [0, 1, -40]])
            seen = cv2.warpAffine(wall, shift, (256, 192), flags=cv2.INTER_CUBIC)
            grey[frame][depth_m[frame] == z_m] = seen[depth_m[frame] == z_m]
    return grey, depth_m


@pytest.mark.slow
def test_after_a_covered_lens_the_path_goes_on_where_the_camera_is() -> None:
    grey, depth_m = _slide()
    grey[COVERED], depth_m[COVERED] = 0, 0
    path = estimate_path(grey, depth_m, INTRINSICS)
    assert path.is_lost[COVERED].all()
    assert not path.is_lost[-4:].any()
    assert path.is_recognised.sum() == 1
    moved = invert(path.camera_from_world)[:, 0, 3]
    np.testing.assert_allclose(moved, STEP_M * np.arange(N_FRAMES), atol=0.006)
    report = path.report()
    assert report["n_pose_lost"] == path.is_lost.sum()
    assert report["n_pose_recognised"] == 1
    assert 0 < report["pose_residual_px"] < 1


def test_another_place_is_not_recognised() -> None:
    grey, depth_m = _slide()
    other = np.random.default_rng(9).integers(0, 255, grey[0].shape).astype(np.uint8)
    both = np.stack([grey[0], cv2.GaussianBlur(other, (0, 0), 2)])
    assert Keyframes([0]).find(both, depth_m[:2], 1, INTRINSICS) is None


def test_a_pose_that_puts_things_before_what_was_seen_does_not_fit() -> None:
    wall = np.full((96, 128), 1.0, np.float32)
    closer = np.eye(4)
    closer[2, 3] = -0.2
    assert fits_depth(wall, wall, INTRINSICS, np.eye(4))
    assert not fits_depth(wall, wall, INTRINSICS, closer)


def test_lost_frames_between_known_ones_are_interpolated_and_the_end_is_left_alone() -> None:
    path = np.tile(np.eye(4), (6, 1, 1))
    path[3:, 0, 3] = 0.3
    lost = np.array([False, True, True, False, True, True])
    bridged = bridge_lost(path, lost)
    np.testing.assert_allclose(bridged[:, 0, 3], [0, 0.1, 0.2, 0.3, 0.3, 0.3], atol=1e-12)


def test_the_first_keyframe_and_the_newest_are_kept() -> None:
    keys = Keyframes([0])
    for frame in range(5, 100, 5):
        keys.add(frame)
    assert keys.frames[0] == 0
    assert keys.frames[1:] == [65, 70, 75, 80, 85, 90, 95]
