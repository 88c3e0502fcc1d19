"""Up is the normal of what things stand on, where the depth image shows it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mu0.episodes.read import Episode
from mu0.traceextract.captions.evidence.upright import PICTURE_UP, up_in_camera, up_in_world, viewer_axes
from tests.mu0.traceextract.captions.caption_fakes import INTRINSICS, SIZE_PX, make_episode

RIGHT = np.array([0.2, 0, 0])


def _table(episode: Episode, pitch_rad: float) -> Episode:
    """The same seen by a camera that looks down at a table by an angle, 0.6 m above it."""
    rows, columns = np.mgrid[: SIZE_PX[0], : SIZE_PX[1]]
    rays = np.stack([columns, rows, np.ones(SIZE_PX)], axis=-1) @ np.linalg.inv(INTRINSICS).T
    up = np.array([0.0, -np.cos(pitch_rad), -np.sin(pitch_rad)])
    depth_m = -0.6 / np.minimum(rays @ up, -1e-3)
    depth = np.where(depth_m < 10, depth_m, 0)[None].repeat(episode.n_frames, 0).astype(np.float16)
    return replace(episode, depth=depth)


@pytest.mark.parametrize("pitch_rad", [0.2, 0.6, 0.9])
def test_a_table_says_where_up_is(tmp_path: Path, pitch_rad: float) -> None:
    episode = _table(make_episode(tmp_path / "a", RIGHT), pitch_rad)
    up = up_in_camera(episode)
    np.testing.assert_allclose(up, [0, -np.cos(pitch_rad), -np.sin(pitch_rad)], atol=0.02)
    right, down, ahead = viewer_axes(up)
    np.testing.assert_allclose(right, [1, 0, 0], atol=0.02)
    np.testing.assert_allclose(down, -up, atol=1e-9)
    assert ahead[2] > 0


def test_a_wall_or_no_depth_leaves_the_picture_s_up(tmp_path: Path) -> None:
    episode = make_episode(tmp_path / "a", RIGHT)  # its depth is a wall one metre ahead
    assert up_in_world(episode).tolist() == PICTURE_UP.tolist()
    assert up_in_camera(replace(episode, depth=None)).tolist() == PICTURE_UP.tolist()
    assert viewer_axes(PICTURE_UP).tolist() == np.eye(3).tolist()


def test_a_camera_that_looks_straight_down_keeps_its_own_axes() -> None:
    assert viewer_axes(np.array([0.0, 0.0, -1.0])).tolist() == np.eye(3).tolist()
