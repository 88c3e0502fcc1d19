"""`mu0 sim ur3`: plays, tells and records; wrong words are answered with the right ones."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.sources.containers.video import iter_frames

RUNNER = CliRunner()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["juggle"], "one of pick, pour, towel"),
        (["pour", "--level", "moon"], "in_distribution, unseen_objects, layouts, textures"),
        (["pour", "--robot", "ur5"], "one of ur3e, ur3"),
        (["pick", "--almonds", "3"], "task pick has no almonds"),
        (["pour", "--almonds", "99"], "1 to 60"),
        (["pick", "--record", "clip.gif"], "does not end in .mp4"),
    ],
)
def test_wrong_words_are_answered(arguments: list[str], words: str) -> None:
    result = RUNNER.invoke(app, ["sim", "ur3", *arguments])
    assert result.exit_code == 1
    assert words in result.output


@pytest.mark.slow
def test_a_scene_is_played_told_and_recorded(tmp_path: Path) -> None:
    goal = tmp_path / "videos" / "pick.mp4"
    result = RUNNER.invoke(
        app, ["sim", "ur3", "pick", "--seed", "3", "--size-px", "64", "--record", str(goal)]
    )
    assert result.exit_code == 0, result.output
    assert "pick, seed 3: " in result.output
    assert "success after" in result.output
    assert "score 1.00" in result.output
    frames = list(iter_frames(goal, 10.0))
    assert frames[0].shape == (64, 128, 3)
    assert len(frames) > 50
