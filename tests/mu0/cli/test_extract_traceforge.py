"""`mu0 extract VIDEO --mode traceforge`: TraceForge's own layout, with its three instructions."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.episodes.layouts.kinds import layout_of
from mu0.episodes.layouts.validate import validate_layout

RUNNER = CliRunner()
RNG = np.random.default_rng(0)


def _texture(size: int) -> np.ndarray:
    noise = RNG.random((size // 3, size // 3, 3)).astype(np.float32)
    return (255 * cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC).clip(0, 1)).astype(np.uint8)


@pytest.fixture
def frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    wall, square = _texture(96), _texture(30)
    (tmp_path / "frames").mkdir()
    for number in range(14):
        frame = wall.copy()
        frame[30:60, 10 + 2 * number : 40 + 2 * number] = square
        cv2.imwrite(str(tmp_path / "frames" / f"{number:03d}.png"), frame)
    return tmp_path / "frames"


def test_a_video_becomes_a_traceforge_episode(frames: Path) -> None:
    text = "slide the square and stop"
    command = ["extract", "frames", "--mode", "traceforge", "--stride", "5", "--out", "out", "--text", text]
    result = RUNNER.invoke(app, command)
    assert result.exit_code == 0, result.output
    goal = Path("out/frames")
    assert layout_of(goal) == "traceforge"
    assert validate_layout(goal, "traceforge") == []
    assert [path.name for path in Path("out").iterdir()] == ["frames"]
    assert sorted(path.name for path in (goal / "samples").iterdir()) == [
        "frames_0.npz", "frames_10.npz", "frames_5.npz",
    ]  # fmt: skip
    assert json.loads((goal / "three_instructions.json").read_text()) == {
        "instruction_1": "slide the square and stop",
        "instruction_2": "1. Slide the square. 2. Stop.",
        "instruction_3": "Please slide the square and stop.",
    }


def test_an_unknown_mode_names_the_known_ones(frames: Path) -> None:
    result = RUNNER.invoke(app, ["extract", "frames", "--mode", "magic"])
    assert result.exit_code == 1
    assert "There is no mode 'magic'" in result.output
    assert "traceextract, traceforge" in result.output


def test_a_folder_called_by_dots_keeps_to_its_place(frames: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mu0 extract .` once meant the output folder itself, and `..` the folder above it."""
    monkeypatch.chdir(frames)
    (frames.parent / "mine.txt").write_text("keep me")
    result = RUNNER.invoke(app, ["extract", ".", "--mode", "traceforge", "--stride", "9", "--out", "../out"])
    assert result.exit_code == 0, result.output
    assert layout_of(frames.parent / "out" / "frames") == "traceforge"
    assert (frames.parent / "mine.txt").exists()
