"""One video: the sliding square becomes an episode, a still one is refused with the reason."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mu0.cli.one_video import extract_one
from mu0.episodes.read import list_episodes, read_episode
from mu0.errors import ExtractionError

RNG = np.random.default_rng(0)


def _texture(size: int) -> np.ndarray:
    noise = RNG.random((size // 3, size // 3, 3)).astype(np.float32)
    return (255 * cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 1)).astype(np.uint8)


WALL, SQUARE = _texture(96), _texture(30)


def _frames(folder: Path, step_px: int) -> Path:
    folder.mkdir()
    for number in range(16):
        frame = WALL.copy()
        frame[30:60, 10 + step_px * number : 40 + step_px * number] = SQUARE
        cv2.imwrite(str(folder / f"{number:03d}.png"), frame)
    return folder


def test_a_moving_square_becomes_an_episode_with_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    extract_one(_frames(tmp_path / "square", 2), tmp_path / "out", "slide the square")
    (found,) = list_episodes(tmp_path / "out")
    episode = read_episode(found)
    assert episode.samples is not None
    assert episode.sidecar.instruction == "slide the square"


def test_a_still_video_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExtractionError, match=r"still gives no traces: (no point|nothing moves)"):
        extract_one(_frames(tmp_path / "still", 0), tmp_path / "out", "")
    assert not (tmp_path / "out").exists()
