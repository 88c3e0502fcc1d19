"""Tracking: the known slide is followed, both ways in time; depth respects silhouettes."""

import numpy as np
import pytest

from mu0.traceextract.backends.interfaces import Keypoints, PixelTracks
from mu0.traceextract.tracking.lifting import lift, project, sample_depth
from mu0.traceextract.tracking.lucas_kanade import follow
from mu0.traceextract.tracking.lucas_kanade_step import LucasKanadeSettings
from tests.mu0.traceextract import square_scene as scene

FOOTAGE = scene.footage()
MIDDLE = 12


def _keypoints(pixels: list[tuple[float, float]]) -> Keypoints:
    n = len(pixels)
    return Keypoints(np.full(n, MIDDLE), np.array(pixels), np.zeros(n, int), np.ones(n, bool))


def test_points_on_the_square_are_followed_into_future_and_past() -> None:
    left = scene.START_PX + scene.STEP_PX * MIDDLE
    tracks = follow(
        FOOTAGE.grey, FOOTAGE.depth_m, _keypoints([(left + 18.0, 66.0)]), LucasKanadeSettings.for_width(128)
    )
    expected_x = left + 18 + scene.STEP_PX * (np.arange(scene.N_FRAMES) - MIDDLE)
    assert tracks.is_seen.all()
    np.testing.assert_allclose(tracks.pixel[:, 0, 0], expected_x, atol=0.3)
    np.testing.assert_allclose(tracks.pixel[:, 0, 1], 66, atol=0.3)


def test_a_wall_point_is_lost_when_the_square_covers_it() -> None:
    x = scene.START_PX + scene.STEP_PX * MIDDLE + scene.SQUARE_PX + 14.0
    tracks = follow(
        FOOTAGE.grey, FOOTAGE.depth_m, _keypoints([(x, 66.0)]), LucasKanadeSettings.for_width(128)
    )
    assert tracks.is_seen[MIDDLE, 0]
    assert not tracks.is_seen[-1, 0]


def test_depth_at_a_silhouette_is_one_of_the_two_surfaces() -> None:
    depth = np.ones((9, 9), np.float32)
    depth[:, 5:] = 2.0
    found = sample_depth(depth, np.array([[4.0, 4.0], [5.0, 4.0]]))
    assert found.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("pixel", [[np.nan, 1.0], [4.0, 4.0]])
def test_missing_depth_is_zero(pixel: list[float]) -> None:
    assert sample_depth(np.zeros((9, 9), np.float32), np.array([pixel])) == [0]


def test_lift_and_project_are_inverse() -> None:
    pixel = np.tile(np.array([[30.0, 70.0], [90.0, 20.0]]), (scene.N_FRAMES, 1, 1))
    poses = np.tile(np.eye(4), (scene.N_FRAMES, 1, 1))
    poses[:, 0, 3] = np.linspace(0, 0.3, scene.N_FRAMES)
    tracks = PixelTracks(pixel, np.ones(pixel.shape[:2], bool))
    world, seen = lift(tracks, np.ones_like(FOOTAGE.depth_m), scene.INTRINSICS, poses)
    assert seen.all()
    np.testing.assert_allclose(project(world, scene.INTRINSICS, poses)[0], pixel, atol=1e-9)
