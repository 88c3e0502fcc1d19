"""The miniature project, run once and copied for each test."""

import shutil
from pathlib import Path

import pytest
from toy_project import CODE, TOY, run_dvc

from orchestration.bridge.project import Project
from orchestration.dvc_yaml import write


@pytest.fixture(scope="session")
def finished_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature project after `dvc repro` in a shell; do not change it."""
    root = tmp_path_factory.mktemp("toy")
    (root / "code").mkdir()
    (root / "code/run.py").write_text(CODE)
    (root / "inbox").mkdir()
    for name, value in (("a", "2"), ("b", "3")):
        (root / "inbox" / name).write_text(value)
    (root / "params.yaml").write_text("numbers: {factor: 1, rate: 1e-3}\ntotal: {}\n")
    run_dvc(root, "init", "--no-scm", "-q")
    (root / ".dvcignore").write_text("__pycache__/\n*.pyc\n")
    write(root / "dvc.yaml", TOY)
    outcome = run_dvc(root, "repro")
    assert outcome.returncode == 0, outcome.stderr
    return root


@pytest.fixture
def toy(finished_toy: Path, tmp_path: Path) -> Project:
    """A copy of the finished miniature project that a test may change."""
    root = tmp_path / "toy"
    shutil.copytree(finished_toy, root)
    return Project(root, TOY)
