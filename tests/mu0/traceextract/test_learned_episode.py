"""A colour-only clip through learned backends, from the file to a valid three-dimensional episode.

The weights are random, so the depth means nothing and the clip says so in its licence; what is tested is that
every step is there: true classes, one model at a time, one camera, poses, tracks, samples, provenance.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import square_scene as scene
import tiny_models

from mu0.episodes.read import list_episodes, read_episode
from mu0.episodes.validate import validate_episode
from mu0.errors import WeightsError
from mu0.params.extract import ExtractParams
from mu0.params.learned import LearnedParams
from mu0.sources.clip.on_disk import ClipInfo, write_clip
from mu0.traceextract.backends.model_slot import SLOT
from mu0.traceextract.backends.weights_version import weights_version
from mu0.traceextract.batch.extract_all import extract_all

pytestmark = pytest.mark.slow
RANDOM = "random-weight"


def _clip(raw: Path, clip_id: str = "slide", frames: np.ndarray | None = None) -> None:
    frames = scene.footage().frames if frames is None else frames
    info = ClipInfo(
        clip_id=clip_id, source="tests", fps_hz=10.0, n_frames=len(frames), width_px=scene.SIZE_PX,
        height_px=scene.SIZE_PX, licence=RANDOM,
    )  # fmt: skip
    write_clip(raw / "tests" / clip_id, info, frames)


def _index(raw: Path, *clip_ids: str) -> None:
    rows = [
        {"clip_id": clip_id, "source": "tests", "status": "ok", "scene_id": clip_id, "reason": "",
         "embodiment": "unknown", "simulated": False, "n_frames": scene.N_FRAMES}
        for clip_id in clip_ids
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(raw / "index.parquet")


def _params(depth: str, features: str) -> ExtractParams:
    learned = LearnedParams(depth_model=depth, features_model=features, device="cpu", features_rows=8)
    return ExtractParams(
        features="dinov2", reconstructor="depth_anything", learned=learned, n_keypoints=60, workers=1,
        future_len=24, history_len=8, anchor_stride=4,
    )  # fmt: skip


@pytest.mark.shapes
def test_a_colour_clip_becomes_a_complete_three_dimensional_episode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _clip(Path("raw"))
    _index(Path("raw"), "slide")
    params = _params(
        tiny_models.depth_anything(tmp_path / "Depth-Anything-V2-Metric-Tiny-Small-hf"),
        tiny_models.dinov2(tmp_path / "dinov2-tiny"),
    )
    totals = extract_all(Path("raw"), Path("out"), Path("cache"), params)
    assert totals["n_ok"] == 1, pd.read_parquet(Path("out") / "quality.parquet")["reason"].tolist()
    (folder,) = list_episodes(Path("out"))
    assert validate_episode(folder) == []
    episode = read_episode(folder)
    assert episode.depth is not None
    assert np.isfinite(episode.depth).all()
    assert (np.asarray(episode.depth) > 0).all()
    sidecar = json.loads((folder / "mu0.json").read_text())
    assert sidecar["is_3d"]
    assert sidecar["pose_source"] == "odometry"
    assert sidecar["licence"] == RANDOM
    assert sidecar["intrinsics_source"] == "assumed_fov"
    assert sidecar["backends"] == {
        "features": "dinov2", "reconstructor": "depth_anything", "tracker": "lucas_kanade",
    }  # fmt: skip
    assert set(sidecar["licences"]) == {"dinov2", "depth_anything"}
    assert "Apache-2.0" in sidecar["licences"]["depth_anything"]
    row = pd.read_parquet(Path("out") / "quality.parquet").iloc[0]
    assert row["status"] == "ok"
    assert row["is_3d"]
    assert "depth predicted by depth_anything" in row["reason"]
    SLOT.free()


def test_a_long_clip_goes_through_windows_and_the_cache_knows_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    there = scene.footage().frames
    _clip(Path("raw"), frames=np.concatenate([there, there[::-1], there]))
    _index(Path("raw"), "slide")
    params = _params(
        tiny_models.depth_anything(tmp_path / "depth"), tiny_models.dinov2(tmp_path / "features")
    )
    params = params.model_copy(
        update={"window_frames": 48, "lookahead_frames": 16, "future_len": 16, "n_keypoints": 40}
    )
    assert extract_all(Path("raw"), Path("out"), Path("cache"), params)["n_ok"] == 1
    (folder,) = list_episodes(Path("out"))
    assert validate_episode(folder) == []
    assert len(read_episode(folder).images) == 72
    assert extract_all(Path("raw"), Path("out"), Path("cache"), params)["n_computed"] == 0
    before = weights_version(params)
    (tmp_path / "features" / "config.json").write_text("{}")
    after = weights_version(params)
    assert before["depth_anything"] == after["depth_anything"]
    assert before["dinov2"] != after["dinov2"]
    SLOT.free()


def test_embedded_backends_have_no_weights() -> None:
    assert weights_version(ExtractParams()) == {}


def test_missing_weights_stop_the_run_at_once_with_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        _clip(Path("raw"), name)
    _index(Path("raw"), "a", "b")
    with pytest.raises(WeightsError, match=r"depth_anything cannot load its weights from '\./nowhere'"):
        extract_all(Path("raw"), Path("out"), Path("cache"), _params("./nowhere", "./nowhere"))
    assert not Path("out").exists()
