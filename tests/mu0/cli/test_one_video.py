"""One video: the sliding square becomes an episode, a still one is refused with the reason."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mu0.cli.one_video import _shown, extract_one
from mu0.episodes.read import list_episodes, read_episode
from mu0.errors import EpisodeError, ExtractionError, SourceError

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


def test_a_video_that_is_not_there_is_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=r"There is no video nothing\.mp4"):
        extract_one(Path("nothing.mp4"), tmp_path / "out", "")


def test_a_folder_of_clips_is_refused_and_names_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "clips").mkdir()
    _frames(tmp_path / "clips/a", 2)
    _frames(tmp_path / "clips/b", 2)
    with pytest.raises(SourceError, match=r"clips is not one clip: it holds 2 videos, the first is .*a\."):
        extract_one(tmp_path / "clips", tmp_path / "out", "")
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match=r"it holds no frames and no videos"):
        extract_one(tmp_path / "none", tmp_path / "out", "")


def test_nothing_but_an_earlier_episode_is_ever_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    frames = _frames(tmp_path / "square", 2)
    with pytest.raises(EpisodeError, match=r"square is there already and is not an episode"):
        extract_one(frames, tmp_path, "")  # the goal would be the frames themselves
    assert len(list(frames.iterdir())) == 16
    for text in ("first", "second"):
        extract_one(frames, tmp_path / "out", text)
    assert read_episode(tmp_path / "out/square").sidecar.instruction == "second"


def test_measurements_are_shown_for_people() -> None:
    assert _shown(None) == ""
    assert _shown(0.27454603) == "0.2745"
    dropped = {"frame": {"rate": 147}, "point": {}, "pair": {"static": 4, "no_future": 5}}
    assert _shown(dropped) == "frame rate 147, pair (static 4, no_future 5)"
