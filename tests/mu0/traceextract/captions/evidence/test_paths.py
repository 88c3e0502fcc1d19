"""Paths are the points' places in the world, put together from rows, and only where they are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pick_and_place import play

from mu0.traceextract.captions.evidence.paths import find_paths
from tests.mu0.traceextract.captions.caption_fakes import episode_of


def test_paths_of_joined_rows_are_the_points_places(tmp_path: Path) -> None:
    points, entity = play()
    paths = find_paths(episode_of(tmp_path / "a", points, entity, future_len=9))
    assert paths is not None
    np.testing.assert_allclose(paths.position, points, atol=0.004)  # rows are float16


def test_without_identities_every_row_of_some_anchors_is_a_path(tmp_path: Path) -> None:
    points, entity = play()
    episode = episode_of(tmp_path / "a", points, entity, future_len=20)
    unknown = replace(episode, sidecar=replace(episode.sidecar, retiming=None))
    paths = find_paths(unknown)
    assert paths is not None
    assert paths.position.shape[1] > points.shape[1]
    for path in paths.position.swapaxes(0, 1):
        known = np.isfinite(path[:, 0])
        off_m = np.linalg.norm(points[known] - path[known, None], axis=-1)
        assert off_m.max(0).min() < 0.004


def test_a_place_that_is_only_repeated_to_the_end_is_not_known(tmp_path: Path) -> None:
    points, entity = play()
    points[40:, -1] = points[40, -1]
    paths = find_paths(episode_of(tmp_path / "a", points, entity))
    assert paths is not None
    assert np.isnan(paths.position[45:, -1]).all()
    assert np.isfinite(paths.position[:40]).all()


def test_an_episode_without_samples_has_no_paths(tmp_path: Path) -> None:
    episode = episode_of(tmp_path / "a", *play())
    assert find_paths(replace(episode, samples=None)) is None


@pytest.mark.parametrize("is_3d", [True, False])
def test_a_2d_episode_has_paths_in_picture_widths(tmp_path: Path, *, is_3d: bool) -> None:
    episode = episode_of(tmp_path / "a", *play())
    paths = find_paths(replace(episode, sidecar=replace(episode.sidecar, is_3d=is_3d)))
    assert paths is not None
    assert paths.is_3d is is_3d
    assert (np.nanmax(paths.position[..., 2]) == 0) is not is_3d
