"""Descriptors: static flow of a known camera step, own motion only where something moves."""

import numpy as np

from mu0.traceextract.keypoints.descriptors import describe_patches
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from mu0.traceextract.reconstruction.flow import dense_flow, static_flow
from mu0.traceextract.tracking.own_motion import own_motion
from tests.mu0.traceextract import square_scene as scene


def test_static_flow_of_a_sideways_step_is_focal_times_step_over_depth() -> None:
    step = np.eye(4)
    step[0, 3] = -0.05
    flow = static_flow(np.full((8, 8), 2.0), scene.INTRINSICS, step)
    np.testing.assert_allclose(flow[..., 0], -0.05 * scene.FOCAL_PX / 2, atol=1e-4)
    np.testing.assert_allclose(flow[..., 1], 0, atol=1e-4)


def test_static_flow_is_unknown_without_depth() -> None:
    assert np.isnan(static_flow(np.zeros((4, 4)), scene.INTRINSICS, np.eye(4))).all()


def test_own_motion_is_the_slide_of_the_square_and_nothing_elsewhere() -> None:
    footage = scene.footage()
    motion = own_motion(dense_flow(footage.grey[0], footage.grey[2]), reconstruct_rgbd(footage), 0, 2)
    inside = np.s_[scene.TOP_PX + 8 : scene.TOP_PX + 28, scene.START_PX + 8 : scene.START_PX + 28]
    np.testing.assert_allclose(np.median(motion[inside], (0, 1)), [2 * scene.STEP_PX, 0], atol=0.2)
    assert np.abs(motion[:30]).max() < 0.5


def test_equal_patches_have_equal_descriptors() -> None:
    frame = np.tile(scene.footage().frames[0, :8, :8], (4, 4, 1))
    found = describe_patches(frame, None, np.zeros((32, 32, 2)), 4, 4)
    inner = found[1:3, 1:3].reshape(4, -1)
    np.testing.assert_allclose(inner, np.repeat(inner[:1], 4, 0), atol=1e-5)
