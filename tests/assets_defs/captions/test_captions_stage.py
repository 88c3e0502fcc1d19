"""The stages `extracted_traces` and `captions`: they read params and write their artifacts."""

import sys
from pathlib import Path

import pandas as pd
import pytest

import assets_defs.captions.stage as captions_stage
import assets_defs.extracted_traces.stage as extraction_stage
from assets_defs.entry import run_stage
from mu0.files import read_json

PROFILE = Path(__file__).resolve().parents[3] / "profiles" / "smoke.yaml"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PROFILE.read_text().replace("workers: 2", "workers: 1"))


def test_without_clips_both_stages_write_empty_artifacts() -> None:
    Path("data/raw_videos").mkdir(parents=True)
    columns = ["clip_id", "source", "status", "scene_id", "embodiment", "simulated", "n_frames"]
    pd.DataFrame(columns=columns).to_parquet("data/raw_videos/index.parquet")
    extraction_stage.main()
    captions_stage.main()
    assert read_json(Path("reports/extraction/metrics.json"))["n_clips"] == 0
    assert len(pd.read_parquet("data/extracted_traces/quality.parquet")) == 0
    assert len(pd.read_parquet("data/captions/captions.parquet")) == 0


def test_a_wrong_parameter_is_a_message_and_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("min_chunk_len", "min_chunk_length"))
    with pytest.raises(SystemExit) as caught:
        run_stage(captions_stage.main)
    assert caught.value.code == 1
    message = capsys.readouterr().err
    assert "captions.min_chunk_length" in message
    assert "Traceback" not in message
    assert sys.exc_info() == (None, None, None)
