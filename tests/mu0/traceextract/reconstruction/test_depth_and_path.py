"""Reconstruction: what is given is used, what is missing is not invented."""

from dataclasses import replace

import numpy as np

from mu0.traceextract.reconstruction.depth_and_path import clean_depth, reconstruct_rgbd
from tests.mu0.traceextract import square_scene as scene


def test_given_poses_are_used_as_they_are() -> None:
    footage = scene.footage()
    found = reconstruct_rgbd(footage)
    assert found.pose_source == "given"
    assert found.camera_from_world is footage.camera_from_world


def test_missing_poses_come_from_odometry() -> None:
    found = reconstruct_rgbd(scene.footage(poses=False))
    assert found.pose_source == "odometry"
    assert found.is_3d


def test_no_depth_means_pixels_only_and_says_why() -> None:
    found = reconstruct_rgbd(scene.footage(depth=False, poses=False))
    assert not found.is_3d
    assert found.pose_source == "none"
    assert found.note == "2-D only: the video has no depth"


def test_useless_depth_means_pixels_only_and_says_why() -> None:
    footage = scene.footage()
    found = reconstruct_rgbd(replace(footage, depth_m=np.full_like(footage.depth_m, np.nan)))
    assert not found.is_3d
    assert found.note == "2-D only: only 0% of the depth pixels are usable"


def test_unknown_intrinsics_mean_pixels_only() -> None:
    found = reconstruct_rgbd(replace(scene.footage(), intrinsics=None))
    assert found.note == "2-D only: the camera's intrinsics are unknown"


def test_clean_depth_keeps_only_what_can_be_true() -> None:
    dirty = np.array([[[np.nan, np.inf, -1.0, 0.0, 1.5, 99.0]]])
    assert clean_depth(dirty).tolist() == [[[0, 0, 0, 0, 1.5, 0]]]
