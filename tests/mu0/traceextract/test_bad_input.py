"""Whatever a clip is like, it ends as an episode or as a row with a reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import square_scene as scene

from benchmarks.long_clip import STILL, write_long_clip
from mu0.episodes.read import list_episodes
from mu0.episodes.validate import validate_episode
from mu0.errors import ExtractionError
from mu0.files import sha256_of_tree
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import ClipInfo
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.batch.extract_all import extract_all
from mu0.traceextract.engine import extract_episode

PARAMS = ExtractParams(n_keypoints=60, workers=1, future_len=40, history_len=16, lookahead_frames=40)
WINDOWED = PARAMS.model_copy(update={"window_frames": 100})


def _extract(footage: Footage, tmp_path: Path) -> dict[str, object]:
    return extract_episode(scene.clip_of(footage), PARAMS, tmp_path)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -1.0])
def test_useless_depth_gives_a_pixel_episode_that_says_so(value: float, tmp_path: Path) -> None:
    footage = scene.footage()
    row = _extract(replace(footage, depth_m=np.full_like(footage.depth_m, value)), tmp_path)
    assert row["status"] == "ok"
    assert not row["is_3d"]
    assert row["reason"] == "2-D only: only 0% of the depth pixels are usable"
    assert validate_episode(tmp_path / "episode") == []


def test_holes_in_depth_and_whole_frames_without_are_bridged(tmp_path: Path) -> None:
    footage = scene.footage()
    depth = np.array(footage.depth_m)
    depth[5:8] = np.nan
    depth[12:14] = 0
    depth[:, ::7, ::5] = np.nan
    row = _extract(replace(footage, depth_m=depth), tmp_path)
    assert row["status"] == "ok"
    assert row["is_3d"]
    assert validate_episode(tmp_path / "episode") == []


@pytest.mark.parametrize("grey", [0, 255])
def test_a_picture_without_anything_to_follow_is_rejected(grey: int, tmp_path: Path) -> None:
    footage = scene.footage()
    row = _extract(replace(footage, frames=np.full_like(footage.frames, grey)), tmp_path)
    assert row["status"] == "rejected"
    assert "no point could be followed" in str(row["reason"]) or "nothing moves" in str(row["reason"])
    assert not (tmp_path / "episode").exists()


def test_everything_hidden_after_the_first_frames_ends_with_a_verdict(tmp_path: Path) -> None:
    footage = scene.footage()
    frames, depth = footage.frames.copy(), np.array(footage.depth_m)
    frames[4:], depth[4:] = 30, 0.3
    row = _extract(replace(footage, frames=frames, depth_m=depth), tmp_path)
    assert row["status"] in {"ok", "rejected"}
    assert (row["status"] == "ok") == (tmp_path / "episode").exists()
    assert row["status"] == "ok" or row["reason"]


@pytest.mark.parametrize("visible", [slice(0, 30), slice(200, 230)])
def test_hidden_for_whole_windows(visible: slice, tmp_path: Path) -> None:
    """A long clip that shows something for thirty frames only: nothing breaks at the hand-over."""
    part = scene.footage()
    frames = np.full((230, scene.SIZE_PX, scene.SIZE_PX, 3), 30, np.uint8)
    depth = np.full(frames.shape[:3], 0.3, np.float32)
    index = np.resize(np.arange(scene.N_FRAMES), 30)
    frames[visible], depth[visible] = part.frames[index], np.array(part.depth_m)[index]
    footage = replace(
        part,
        frames=frames,
        depth_m=depth,
        camera_from_world=np.tile(np.eye(4), (230, 1, 1)),
        source_frames=np.arange(230),
    )
    row = extract_episode(scene.clip_of(footage), WINDOWED, tmp_path)
    assert row["status"] in {"ok", "rejected"}
    if row["status"] == "ok":
        assert validate_episode(tmp_path / "episode") == []


@pytest.mark.slow
@pytest.mark.parametrize("has_poses", [True, False])
@pytest.mark.parametrize("n_frames", [60, 120])
def test_a_moving_camera_in_a_still_world_sees_nothing_move(
    has_poses: bool, n_frames: int, tmp_path: Path
) -> None:
    clip = write_long_clip(
        tmp_path / "src" / "clip", n_frames, boards=STILL, camera_moves=True, has_poses=has_poses
    )
    row = extract_episode(clip, WINDOWED, tmp_path)
    assert row["n_points_moving"] == 0
    assert row["status"] == "rejected"
    assert str(row["reason"]).startswith("nothing moves: none of ")


def _index(raw: Path, infos: list[ClipInfo]) -> None:
    rows = [vars(info) | {"status": "ok", "reason": ""} for info in infos]
    pd.DataFrame(rows).to_parquet(raw / "index.parquet")


@pytest.mark.slow
def test_corrupt_clips_cost_only_themselves(tmp_path: Path) -> None:
    """Four ways to break a clip after it was collected, among two good ones."""
    raw = tmp_path / "raw"
    names = ("a_good", "b_cut_video", "c_no_depth", "d_noise", "e_cut_cameras", "f_good")
    clips = [write_long_clip(raw / "boards" / name, 40) for name in names]
    _index(raw, [clip.info for clip in clips])
    video, depth, noise, cameras = (
        raw / "boards" / name / file
        for name, file in (
            ("b_cut_video", "video.mp4"),
            ("c_no_depth", "depth.mkv"),
            ("d_noise", "video.mp4"),
            ("e_cut_cameras", "cameras.npz"),
        )
    )
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    depth.unlink()
    noise.write_bytes(np.random.default_rng(0).bytes(5000))
    cameras.write_bytes(cameras.read_bytes()[:100])
    totals = extract_all(raw, tmp_path / "out", tmp_path / "cache", PARAMS)
    table = pd.read_parquet(tmp_path / "out" / "quality.parquet").set_index("clip_id")
    assert (totals["n_ok"], totals["n_failed"]) == (2, 4)
    assert table["reason"][["b_cut_video", "c_no_depth", "d_noise", "e_cut_cameras"]].str.len().min() > 10
    assert not table["reason"].str.startswith("unexpected").any(), table["reason"].tolist()
    assert [path.name for path in list_episodes(tmp_path / "out")] == ["a_good", "f_good"]


@pytest.mark.slow
def test_the_number_of_workers_does_not_change_a_byte_of_real_episodes(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    clips = [write_long_clip(raw / "boards" / f"clip{n}", n) for n in (30, 40, 50, 110)]
    _index(raw, [clip.info for clip in clips])
    hashes = []
    for workers in (1, 2, 2):
        output = tmp_path / f"out{len(hashes)}"
        params = WINDOWED.model_copy(update={"workers": workers})
        extract_all(raw, output, tmp_path / f"cache{len(hashes)}", params)
        hashes.append(sha256_of_tree(output))
    assert hashes[0] == hashes[1] == hashes[2]


@pytest.mark.parametrize("size_px", [(64, 15), (15, 128)])
def test_pictures_too_small_for_dense_flow_are_named(size_px: tuple[int, int], tmp_path: Path) -> None:
    footage = scene.footage(depth=False)
    height, width = size_px
    clip = scene.clip_of(replace(footage, frames=footage.frames[:, :height, :width]))
    clip = replace(clip, info=replace(clip.info, height_px=height, width_px=width))
    with pytest.raises(ExtractionError, match=rf"frames of {width} x {height} px"):
        extract_episode(clip, PARAMS, tmp_path)


@pytest.mark.parametrize("size_px", [(16, 16), (16, 128)])
def test_the_smallest_pictures_end_with_a_verdict(size_px: tuple[int, int], tmp_path: Path) -> None:
    footage = scene.footage(depth=False)
    height, width = size_px
    clip = scene.clip_of(replace(footage, frames=footage.frames[:, 60 : 60 + height, :width]))
    clip = replace(clip, info=replace(clip.info, height_px=height, width_px=width))
    assert extract_episode(clip, PARAMS, tmp_path)["status"] in {"ok", "rejected"}


def test_the_row_has_what_the_reader_met(tmp_path: Path) -> None:
    clip = scene.clip_of(scene.footage())
    clip = replace(clip, info=replace(clip.info, note="not used: imu.csv", median_depth_m=0.98))
    row = extract_episode(clip, PARAMS, tmp_path)
    assert (row["note"], row["median_depth_m"], row["fps_hz"]) == ("not used: imu.csv", 0.98, 10.0)
