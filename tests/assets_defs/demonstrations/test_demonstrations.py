"""Stage demonstrations: needs collected clips, writes where the graph says."""

from pathlib import Path

import pytest

from assets_defs.chain import PIPELINE
from assets_defs.demonstrations import stage as demonstrations
from assets_defs.entry import run_stage

PROFILE = Path(__file__).parents[3] / "profiles/smoke.yaml"


def test_the_output_is_that_of_the_graph() -> None:
    assert PIPELINE.artifacts["demonstrations"].path == str(demonstrations.DEMONSTRATIONS)


def test_without_clips_the_message_names_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params.yaml").write_text(PROFILE.read_text())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        run_stage(demonstrations.main)
    assert caught.value.code == 1
    assert "data/raw_videos/index.parquet is missing" in capsys.readouterr().err
