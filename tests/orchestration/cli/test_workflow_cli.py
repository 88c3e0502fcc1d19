"""The commands of the workflow: clear answers to wrong input, and no half-done changes."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli.main import app

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
    heavy = {"torch", "cv2", "pandas", "mlflow", "scipy", "pydantic", "dagster"}
    code = f"import sys; from orchestration.cli.main import app; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_every_command_of_the_readme_exists() -> None:
    shown = RUNNER.invoke(app, ["--help"]).output
    commands = (
        "run extract validate convert train predict evaluate promote rollback verify sync profile doctor view"
    )
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
    assert "paper, pour, small, smoke, towel" in result.output


def test_an_unknown_stage_names_the_known_ones(project: Path) -> None:
    result = RUNNER.invoke(app, ["run", "traces"])
    assert result.exit_code == 1
    assert "There is no stage traces." in result.output
    assert "extracted_traces" in result.output


def test_outside_a_project_run_says_what_is_missing(project: Path) -> None:
    result = RUNNER.invoke(app, ["run"])
    assert result.exit_code == 1
    assert "There is no dvc.yaml" in result.output
