"""The command: clear answers to wrong input, and no half-done changes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.errors import PredictionError
from mu0.inference.keypoints import lift, parse_keypoints

REPOSITORY = Path(__file__).parents[3]
RUNNER = CliRunner()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder with the profiles."""
    (tmp_path / "profiles").mkdir()
    for profile in (REPOSITORY / "profiles").glob("*.yaml"):
        (tmp_path / "profiles" / profile.name).write_text(profile.read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_imports_nothing_heavy() -> None:
    heavy = {"torch", "cv2", "pandas", "mlflow", "scipy"}
    code = f"import sys; from mu0.cli.main import app; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_every_command_of_the_readme_exists() -> None:
    shown = RUNNER.invoke(app, ["--help"]).output
    commands = "run extract validate convert train predict evaluate promote sync profile doctor view"
    assert [name for name in commands.split(" ") if name not in shown] == []


@pytest.mark.parametrize("name", ["smoke", "small", "paper"])
def test_a_profile_becomes_params(project: Path, name: str) -> None:
    result = RUNNER.invoke(app, ["profile", "use", name])
    assert result.exit_code == 0, result.output
    assert (project / "params.yaml").read_text() == (project / "profiles" / f"{name}.yaml").read_text()
    assert RUNNER.invoke(app, ["profile", "show"]).output.strip() == name


def test_own_changes_to_params_are_kept_aside(project: Path) -> None:
    RUNNER.invoke(app, ["profile", "use", "small"])
    mine = (project / "params.yaml").read_text() + "\n# mine\n"
    (project / "params.yaml").write_text(mine)
    RUNNER.invoke(app, ["profile", "use", "smoke"])
    assert (project / "params.yaml.bak").read_text() == mine


def test_an_unknown_profile_names_the_known_ones(project: Path) -> None:
    result = RUNNER.invoke(app, ["profile", "use", "big"])
    assert result.exit_code == 1
    assert "There is no profile 'big'" in result.output
    assert "paper, small, smoke" in result.output


def test_an_unknown_stage_names_the_known_ones(project: Path) -> None:
    result = RUNNER.invoke(app, ["run", "traces"])
    assert result.exit_code == 1
    assert "There is no stage traces." in result.output
    assert "extracted_traces" in result.output


def test_outside_a_project_run_says_what_is_missing(project: Path) -> None:
    result = RUNNER.invoke(app, ["run"])
    assert result.exit_code == 1
    assert "There is no dvc.yaml" in result.output


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
