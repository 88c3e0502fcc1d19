"""Keypoints: a grid, some on every coloured blob, inside the masks of what a detector finds."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_finders import grounding_dino, sam

from mu0.errors import PredictionError, WeightsError
from mu0.inference.finder import Finder, FinderModels, prompt
from mu0.inference.keypoints import entity_points, grid_points, lift, points_on

BLOBS = {"red": (30, 25), "green": (95, 30), "blue": (40, 70), "yellow": (120, 75)}
RADIUS_PX = 11


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    root = tmp_path_factory.mktemp("finders")
    return grounding_dino(root / "gd"), sam(root / "sam")


def test_entities_give_points_on_each_coloured_blob(blobs: np.ndarray) -> None:
    points = entity_points(blobs, None, 8, 48, 0)
    for name, centre in BLOBS.items():
        inside = np.linalg.norm(points - centre, axis=1) <= RADIUS_PX
        assert inside.sum() >= 1, name
    np.testing.assert_array_equal(points, entity_points(blobs, None, 8, 48, 0))
    assert 0.8 * 48 <= len(points) <= 1.2 * 48


def test_a_grid_keeps_away_from_the_border_and_depth_lifts_it() -> None:
    points = grid_points(3, (100, 50))
    np.testing.assert_allclose(points[[0, 4, 8]], np.array([[5, 2.5], [50, 25], [95, 47.5]]))
    depth_m = np.zeros((50, 100), np.float32)
    depth_m[:, :60] = 0.7
    anchors = lift(points, (100, 50), depth_m)
    np.testing.assert_allclose(
        anchors[[0, 4, 8]], np.array([[-0.9, -0.9, 0.7], [0, 0, 0.7], [0.9, 0.9, 0.7]]), rtol=1e-6
    )
    assert (lift(points, (100, 50))[:, 2] == 1).all()


def test_found_things_get_keypoints_inside_their_masks(blobs: np.ndarray, folders: tuple[str, str]) -> None:
    """The true classes, loaded from disk; what random weights find is as good as any other mask."""
    finder = Finder(FinderModels(*folders, box_threshold=0.0, text_threshold=0.0))
    things = finder.find(blobs, "red mug, drawer")
    scores = [thing.score for thing in things]
    assert scores == sorted(scores, reverse=True)
    for thing in things:
        row, column = np.nonzero(thing.mask)
        left, top, right, bottom = thing.box_px
        if len(row):
            assert left - 1 <= column.min() <= column.max() <= right + 1
            assert top - 1 <= row.min() <= row.max() <= bottom + 1
    points = points_on([thing.mask for thing in things], blobs, 30, 0)
    everywhere = np.any([thing.mask for thing in things], axis=0)
    assert len(points) >= sum(thing.mask.any() for thing in things) > 0
    assert everywhere[points[:, 1].astype(int), points[:, 0].astype(int)].all()


def test_nothing_found_is_said(blobs: np.ndarray, folders: tuple[str, str]) -> None:
    finder = Finder(FinderModels(*folders, box_threshold=1.0))
    with pytest.raises(PredictionError, match=r"finds nothing in the picture for 'red mug\.'"):
        finder.find(blobs, "Red mug")


def test_the_licence_is_told(folders: tuple[str, str], caplog: pytest.LogCaptureFixture) -> None:
    Finder(FinderModels(*folders))
    assert "gd: LICENCE UNKNOWN" in caplog.text


def test_unusable_models_are_named(folders: tuple[str, str], tmp_path: Path) -> None:
    detector, segmenter = folders
    with pytest.raises(WeightsError, match=r"^'\./nowhere' cannot be loaded: there is no such folder\."):
        Finder(FinderModels("./nowhere", segmenter))
    with pytest.raises(WeightsError, match=r"it is of type 'sam', not grounding-dino or mm-grounding-dino"):
        Finder(FinderModels(segmenter, detector))
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in Path(segmenter).iterdir():
        (damaged / file.name).write_bytes(file.read_bytes())
    config = json.loads((damaged / "config.json").read_text())
    config["vision_config"]["num_hidden_layers"] = 3
    (damaged / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"it lacks \d+ weights, e\.g\. vision_encoder\.layers\.2"):
        Finder(FinderModels(detector, str(damaged)))


def test_phrases_become_prompts() -> None:
    assert prompt("Red mug, drawer") == "red mug. drawer."
    with pytest.raises(PredictionError, match=r"^The phrase ' \. ' names nothing\."):
        prompt(" . ")


def test_empty_masks_are_said(blobs: np.ndarray) -> None:
    with pytest.raises(PredictionError, match=r"^There is nothing in the picture to put keypoints on\."):
        points_on([np.zeros(blobs.shape[:2], bool)], blobs, 4, 0)
