"""The install script: safe to repeat, to interrupt and to move, in folders with names that people give them.

Python's `venv` and `pip`, and `uv`, are stand-ins that write down how they were called.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
here=$(dirname "$0")
case "$*" in
"-m venv"*)
    echo venv >>"$CALLS"
    mkdir -p "$3/bin"
    cp "$0" "$3/bin/python"
    cp "$here/version" "$UV_STAND_IN" "$3/bin" ;;
"-m pip --version") ;;
"-m pip"*) exit 1 ;;
*"version_info[:3]"*) cat "$here/version" ;;
*_base_executable*) echo "$BASE_PYTHON" ;;
*rendering*) ;;
*"import torch"*) echo 2.13.0 ;;
*) exec "$REAL_PYTHON" "$@" ;;
esac
"""
UV = """#!/bin/sh
case "$*" in
*compile*) echo torch==2.13.0+cpu; exit ;;
esac
echo "uv $*" >>"$CALLS"
[ -z "$BROKEN" ] || { echo "error: disk full"; exit 7; }
printf 'Downloading torch (181.2MiB)\\nDownloading numpy (16.8MiB)\\nInstalled 2 packages\\n'
printf ' + torch==2.13.0+cpu\\n + numpy==2.4.6\\n'
"""


class Project:
    """A folder as `git clone` leaves it, and how an install in it went."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.folder, self._tools = folder, tools
        self.calls = tools / "calls"
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)
        self.add_python("python3", "3.11.7")
        (tools / "uv").write_text(UV)
        (tools / "uv").chmod(0o755)

    def add_python(self, name: str, version: str) -> Path:
        """A Python in a folder of its own, because its version lies beside it."""
        home = self._tools / f"{name}-{version}"
        home.mkdir()
        (home / name).write_text(PYTHON)
        (home / name).chmod(0o755)
        (home / "version").write_text(version + "\n")
        return home / name

    def install(self, **environment: str) -> subprocess.CompletedProcess[str]:
        base = self._tools / "python3-3.11.7"
        stand_ins = {
            "PATH": f"{base}{os.pathsep}{os.defpath}",
            "CALLS": str(self.calls),
            "UV_STAND_IN": str(self._tools / "uv"),
            "BASE_PYTHON": str(base / "python3"),
            "REAL_PYTHON": sys.executable,
            "BROKEN": "",
        }
        return subprocess.run(
            ["sh", "scripts/install.sh"],
            cwd=self.folder,
            env=stand_ins | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self) -> list[str]:
        """First words of what was called since the last question."""
        words = (
            [line.split()[0] for line in self.calls.read_text().splitlines()] if self.calls.exists() else []
        )
        self.calls.unlink(missing_ok=True)
        return words


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder, tools = tmp_path / "it's my möbius $folder (new)", tmp_path / "tools"
    folder.mkdir()
    tools.mkdir()
    return Project(folder, tools)


def test_a_first_install_says_what_it_took(project: Project) -> None:
    first = project.install()
    assert first.returncode == 0, first.stderr
    assert project.done() == ["venv", "uv"]
    assert "no NVIDIA driver" in first.stderr or "has an NVIDIA driver" in first.stderr
    assert "Downloaded 198 MiB in 2 large files." in first.stderr
    assert "The environment takes" in first.stdout
    assert " + numpy" not in first.stderr
    assert " + numpy" in (project.folder / ".venv" / "install.log").read_text()


def test_a_repeated_install_does_nothing_until_something_changes(project: Project) -> None:
    project.install()
    project.done()
    assert project.install().returncode == 0
    assert project.done() == []
    (project.folder / "constraints.txt").write_text("torch==2.14.0\n")
    project.install()
    assert project.done() == ["uv"]


def test_a_failed_install_shows_the_error_and_the_next_one_starts_anew(project: Project) -> None:
    broken = project.install(BROKEN="1")
    assert broken.returncode == 7
    assert "error: disk full" in broken.stderr
    project.done()
    assert project.install().returncode == 0
    assert project.done() == ["venv", "uv"]


def test_a_half_made_environment_is_made_anew(project: Project) -> None:
    (project.folder / ".venv" / "bin").mkdir(parents=True)
    (project.folder / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    assert project.install().returncode == 0
    assert project.done() == ["venv", "uv"]


def test_a_moved_project_does_not_run_the_code_of_its_old_place(project: Project) -> None:
    project.install()
    project.done()
    moved = project.folder.with_name("moved here")
    project.folder = project.folder.rename(moved)
    assert project.install().returncode == 0
    assert project.done() == ["venv", "uv"]


def test_another_python_gets_an_environment_of_its_own_and_keeps_it(project: Project) -> None:
    project.install()
    project.done()
    other = str(project.add_python("python3.12", "3.12.1"))
    assert project.install(PYTHON=other).returncode == 0
    assert project.done() == ["venv", "uv"]
    assert project.install().returncode == 0
    assert project.done() == []


def test_a_build_of_torch_that_was_asked_for_is_remembered(project: Project) -> None:
    project.install()
    assert "--torch-backend cu128" not in project.calls.read_text()
    project.done()
    project.install(TORCH_BACKEND="cu128")
    assert "--torch-backend cu128 --constraint" in project.calls.read_text()
    assert "--reinstall-package torch" in project.calls.read_text()
    project.done()
    assert project.install().returncode == 0
    assert project.done() == []


def test_a_missing_or_wrong_python_is_told_with_its_remedy(project: Project) -> None:
    nowhere = project.install(PYTHON="/nowhere/python3")
    assert nowhere.returncode == 1
    assert "make install PYTHON=/path/to/python3" in nowhere.stderr
    assert project.done() == []
