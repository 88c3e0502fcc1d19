"""The gate of the caption audit, and its stage where nothing was simulated."""

from pathlib import Path

import pytest

from assets_defs.caption_audit import stage
from mu0.files import read_json, write_json

GOOD = {"boundary_f1": 0.9, "skill_accuracy": 0.95, "claims_right": 0.99, "n_events": 80}


def _project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "reports").mkdir(parents=True)
    (root / "params.yaml").write_text("checks: {}\ncaption_audit: {}\n")
    return root


@pytest.mark.slow  # importing Great Expectations takes seconds
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(
    ("scores", "passes"),
    [
        ({"s": GOOD}, True),
        ({}, True),
        ({"s": GOOD | {"boundary_f1": 0.7}}, False),
        ({"s": GOOD, "t": GOOD | {"skill_accuracy": 0.8}}, False),
        ({"s": GOOD | {"claims_right": None}}, False),
    ],
)
def test_every_source_must_reach_the_limits(
    tmp_path: Path, scores: dict[str, object], *, passes: bool
) -> None:
    from assets_defs.checks.__main__ import check_artifact
    from mu0.errors import CheckFailedError

    root = _project(tmp_path)
    write_json(root / "reports/caption_audit_metrics.json", scores)
    if passes:
        check_artifact("caption_audit", root)
    else:
        with pytest.raises(CheckFailedError):
            check_artifact("caption_audit", root)


def test_without_simulated_clips_there_is_nothing_to_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _project(tmp_path)
    for name in ("captions", "extracted_traces", "ground_truth_tracks"):
        (root / "data" / name).mkdir(parents=True)
    monkeypatch.chdir(root)
    stage.main()
    assert read_json(root / "reports/caption_audit_metrics.json") == {}
    assert (root / "reports/caption_audit/audit.parquet").is_file()
