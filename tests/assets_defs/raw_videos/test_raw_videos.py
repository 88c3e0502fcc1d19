"""Stage raw_videos: reads params.yaml of the project folder and writes the artifacts where the graph says."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from assets_defs.chain import PIPELINE
from assets_defs.entry import run_stage
from assets_defs.raw_videos import stage as raw_videos
from mu0.sources.containers.encoding import write_video

PROFILE = Path(__file__).parents[3] / "profiles/smoke.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose only source is the person's own folder."""
    params = yaml.safe_load(PROFILE.read_text())
    params["raw_videos"]["sources"] = {"my_videos": {"kind": "files", "folder": "data/videos"}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "data/videos").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_outputs_are_those_of_the_graph() -> None:
    assert PIPELINE.artifacts["raw_videos"].path == str(raw_videos.CLIPS)
    assert PIPELINE.artifacts["ground_truth_tracks"].path == str(raw_videos.TRACKS)


def test_a_video_becomes_a_clip(project: Path) -> None:
    write_video(project / "data/videos/a.mp4", [np.zeros((16, 16, 3), np.uint8)] * 3, 10.0)
    raw_videos.main()
    assert (project / "data/raw_videos/my_videos/a/clip.json").is_file()
    assert (project / "data/raw_videos/index.parquet").is_file()


def test_no_clips_is_a_message_and_exit_code_1(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run_stage(raw_videos.main)
    assert caught.value.code == 1
    assert "SourceError: No clip came out" in capsys.readouterr().err
