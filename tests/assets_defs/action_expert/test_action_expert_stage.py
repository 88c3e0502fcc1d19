"""The stage `action_expert` speaks clearly when its inputs are missing."""

import shutil
import sys
from pathlib import Path

import pytest

from assets_defs.action_expert import stage as action_expert
from mu0.errors import SourceError

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(PROJECT / "profiles/smoke.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MU0_TRACKING", "off")
    return tmp_path


def test_missing_demonstrations_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["action_expert", "--embodiment", "ur3"])
    with pytest.raises(SourceError, match="data/demonstrations"):
        action_expert.main()
    assert not (project / "models").exists()


def test_unknown_embodiment_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["action_expert", "--embodiment", "dog"])
    with pytest.raises(SystemExit):
        action_expert.main()
