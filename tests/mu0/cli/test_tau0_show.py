"""`mu0 tau0 show`: a table, a batch, a picture of one group of branches."""

from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.params.tau0_data import TaskScenes, Tau0DataParams
from mu0.tau0.data.collect import collect_tau0_data

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shown")
    params = Tau0DataParams(
        scenes=TaskScenes(pick=3), hand_scenes=0, umi_scenes=0, image_size_px=32, workers=1
    )
    collect_tau0_data(params, root / "data", root / "cache")
    return root / "data"


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["tau0", "show", *words])
    return result.exit_code, result.output


def test_the_table_and_a_batch_say_what_there_is(folder: Path) -> None:
    code, shown = run(str(folder))
    assert code == 0
    assert "3 scenes" in shown
    assert "demonstration" in shown
    code, shown = run(str(folder), "--batch", "4")
    assert code == 0
    assert shown.count(" imagine ") == 8


def test_a_group_becomes_a_picture_that_is_the_same_again(folder: Path, tmp_path: Path) -> None:
    goals = [tmp_path / "a.png", tmp_path / "b.png"]
    for goal in goals:
        code, shown = run(str(folder), "--group", "1", "--out", str(goal))
        assert code == 0
        assert "mirrored" in shown
    assert goals[0].read_bytes() == goals[1].read_bytes()
    picture = cv2.imread(str(goals[0]))
    assert picture is not None
    assert picture.std() > 20


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--group", "99"), "There is no group 99"),
        (("--group", "0", "--out", "x.mp4"), "is no picture"),
        (("--batch", "0", "--split", "exam"), "no split 'exam'"),
    ],
)
def test_wrong_words_are_answered(
    folder: Path, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, shown = run(str(folder), *words)
    assert code == 1
    assert told in " ".join(shown.split())
