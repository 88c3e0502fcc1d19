"""The stage `ur3_report` speaks clearly when its inputs are missing."""

import shutil
from pathlib import Path

import pytest

from assets_defs.ur3_report import stage as ur3_report
from mu0.errors import CheckpointError

PROJECT = Path(__file__).parents[3]


def test_missing_experts_are_named_before_any_rollout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(PROJECT / "profiles/smoke.yaml", tmp_path / "params.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MU0_TRACKING", "off")
    with pytest.raises(CheckpointError, match="models/action_expert_ur3_grounded is not an action expert"):
        ur3_report.main()
    assert not (tmp_path / "reports").exists()
