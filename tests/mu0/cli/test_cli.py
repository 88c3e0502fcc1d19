"""The library's commands: clear answers to wrong input."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.errors import PredictionError
from mu0.inference.keypoints import lift, parse_keypoints

RUNNER = CliRunner()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_missing_checkpoint_is_named(project: Path) -> None:
    import cv2

    cv2.imwrite("photo.png", np.zeros((8, 8, 3), np.uint8))
    result = RUNNER.invoke(app, ["predict", "photo.png", "--text", "pick up the mug"])
    assert result.exit_code == 1
    assert "CheckpointError" in result.output
    assert "models/world_model" in result.output


def test_a_missing_picture_is_named(project: Path) -> None:
    result = RUNNER.invoke(app, ["predict", "nothing.png", "--text", "pick up the mug"])
    assert result.exit_code == 1
    assert "nothing.png cannot be read as a picture" in result.output


def test_keypoints_become_uv() -> None:
    points_px = parse_keypoints("0,0 64,32 128,64", 128, 64)
    np.testing.assert_allclose(lift(points_px, (128, 64))[:, :2], [[-1, -1], [0, 0], [1, 1]])


@pytest.mark.parametrize(
    ("text", "words"), [("1,2,3", "'1,2,3' is not two numbers"), ("200,3", "'200,3' lies outside")]
)
def test_bad_keypoints_are_named(text: str, words: str) -> None:
    with pytest.raises(PredictionError, match=words):
        parse_keypoints(text, 128, 64)


def test_validate_says_when_there_is_no_episode(project: Path) -> None:
    result = RUNNER.invoke(app, ["validate", "."])
    assert result.exit_code == 1
    assert "There is no episode in ." in result.output
