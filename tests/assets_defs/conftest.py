"""A project whose artifacts are all good, made once and copied for each test."""

import shutil
from pathlib import Path

import pytest
from good_artifacts import put_good_artifacts


@pytest.fixture(scope="session")
def good_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good artifacts; do not change them."""
    root = tmp_path_factory.mktemp("good")
    put_good_artifacts(root)
    return root


@pytest.fixture
def project(good_project: Path, tmp_path: Path) -> Path:
    """A copy of the good artifacts that a test may spoil."""
    root = tmp_path / "project"
    shutil.copytree(good_project, root)
    return root
