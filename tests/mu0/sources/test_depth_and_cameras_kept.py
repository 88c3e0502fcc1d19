"""Depth, intrinsics and extrinsics of demonstrations come back; where they lack, it is told."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mu0.errors import SourceError
from mu0.files import write_json
from mu0.sources.clip.on_disk import ClipInfo, RobotLog, read_clip, write_clip
from mu0.sources.collect import INDEX_SCHEMA
from mu0.sources.demonstrations import Kept, write_demonstrations
from mu0.sources.lerobot.depth import USUAL_CODING
from mu0.sources.lerobot.layout import read_layout
from mu0.sources.lerobot.reading_whole import read_whole
from mu0.sources.lerobot.ur3_features import DEPTH, INTRINSICS, POSE

T, SIZE = 6, 32


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two demonstrations; the second one does not know where its camera is."""
    rng = np.random.default_rng(0)
    rows = []
    for number, name in enumerate(("arm_00000", "arm_00001")):
        info = ClipInfo(
            clip_id=name, source="arm", fps_hz=10.0, n_frames=T, width_px=SIZE, height_px=SIZE,
            instruction="put it there", embodiment="ur3", scene_id=f"arm_scene_{number}", licence="CC0",
        )  # fmt: skip
        depth_m = np.tile(np.linspace(0.3, 4.0, SIZE), (T, SIZE, 1)) + 0.01 * np.arange(T)[:, None, None]
        depth_m[:, 0, :3] = 0
        poses = np.tile(np.eye(4), (T, 1, 1))
        poses[:, 0, 3] = np.arange(T)
        robot = RobotLog(*(rng.normal(size=(T, n)).astype(np.float32) for n in (9, 5)))
        write_clip(
            tmp_path / "clips/arm" / name,
            info,
            np.zeros((T, SIZE, SIZE, 3), np.uint8),
            depth_m=depth_m,
            intrinsics=np.array([[30.0, 0, 15], [0, 31, 16], [0, 0, 1]]),
            camera_from_world=poses if number == 0 else None,
            wrist_frames=np.zeros((T, 64, 64, 3), np.uint8),
            robot=robot,
        )
        row = dict.fromkeys(INDEX_SCHEMA.names)
        rows.append(row | {"clip_id": name, "source": "arm", "status": "ok", "has_robot": True,
                           "demonstrator_success": True})  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, INDEX_SCHEMA), tmp_path / "clips/index.parquet")
    write_json(tmp_path / "clips/contents.json", {})
    return tmp_path / "clips"


def test_depth_comes_back_to_a_millimetre_and_nothing_stays_nothing(clips: Path, tmp_path: Path) -> None:
    write_demonstrations(clips, "arm", tmp_path / "set", Kept(depth=True))
    layout = read_layout(tmp_path / "set")
    found = list(read_whole(layout, layout.episodes[1]).videos[DEPTH])
    for codes, depth_m in zip(found, read_clip(clips / "arm/arm_00001").iter_depth_m(), strict=True):
        back_m = USUAL_CODING.metres(codes)
        np.testing.assert_array_equal(back_m == 0, depth_m == 0)
        assert np.abs(back_m - depth_m).max() < 0.00125  # half a step of the code at 4 m
    statistics = json.loads((tmp_path / "set/meta/stats.json").read_text())[DEPTH]
    assert np.shape(statistics["max"]) == (1, 1, 1)
    assert statistics["max"][0][0][0] == pytest.approx(4050, abs=2)  # millimetres, as LeRobot reads it


def test_cameras_are_columns(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"arm_00001 has no poses of the camera[\s\S]*demonstrations\.cameras"
    ):
        write_demonstrations(clips, "arm", tmp_path / "set", Kept(cameras=True))
    assert not (tmp_path / "set").exists()
    index = pq.read_table(clips / "index.parquet")
    pq.write_table(index.slice(0, 1), clips / "index.parquet")
    write_demonstrations(clips, "arm", tmp_path / "set", Kept(cameras=True))
    rows = pq.read_table(tmp_path / "set/data/chunk-000/file-000.parquet").to_pydict()
    assert rows[INTRINSICS][3] == [30, 0, 15, 0, 31, 16, 0, 0, 1]
    assert np.reshape(rows[POSE], (T, 4, 4))[:, 0, 3].tolist() == list(range(T))


@pytest.mark.parametrize("use_log", [True, False])
def test_the_code_of_a_depth_is_its_nearest_one(*, use_log: bool) -> None:
    coding = type(USUAL_CODING)(0.2, 3.0, 3.5, use_log=use_log)
    codes = np.arange(1, 4095, dtype=np.uint16)[None]
    np.testing.assert_array_equal(coding.codes(coding.metres(codes)), codes)
    edges = coding.codes(np.array([[0.0, 0.1, 5.0]], np.float32))
    assert edges.tolist() == [[0, 0, 4095]]
    assert coding.metres(edges).tolist() == [[0, 0, 0]]
