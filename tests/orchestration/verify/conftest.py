"""A real DVC project with a model folder, files and a `dvc add`ed input, after `dvc repro`."""

import shutil
from pathlib import Path

import pytest
from toy_models import link_to_cache, make_project


@pytest.fixture(scope="session")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("verify") / "project"
    make_project(root)
    return root


@pytest.fixture
def project(made_project: Path, tmp_path: Path) -> Path:
    """A copy in which outputs are hard links into the cache, as after `dvc checkout`."""
    root = tmp_path / "project"
    shutil.copytree(made_project, root, symlinks=True)
    link_to_cache(root)
    return root
