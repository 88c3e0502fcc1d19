"""Headers, clocks and pointers of datasets as programs and people leave them: right frames, or the reason."""

import json
from pathlib import Path
from typing import Any

import lerobot_layouts as fixture
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lerobot_layouts import DEPTH, TOP

from mu0.errors import SourceError
from mu0.params.raw_videos import LeRobotSource, RawVideosParams
from mu0.sources.clip.on_disk import read_clip
from mu0.sources.collect import collect_clips
from mu0.sources.lerobot.layout import read_layout

CAMERA: dict[str, Any] = {TOP: fixture.video_feature()}
N = 8
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456\n"


def collect(tmp_path: Path, root: Path, **options: Any) -> pd.DataFrame:
    source = LeRobotSource.model_validate({"kind": "lerobot", "folder": str(root), **options})
    params = RawVideosParams(sources={"lr": source}, workers=1)
    index = collect_clips(params, tmp_path / "raw", tmp_path / "tracks", tmp_path / "cache")
    return index.set_index("clip_id")


def seen(tmp_path: Path, name: str) -> list[tuple[int, int]]:
    return [fixture.seen_in(frame) for frame in read_clip(tmp_path / "raw/lr" / name).iter_frames()]


def with_info(root: Path, change: Any) -> Path:
    info = json.loads((root / "meta/info.json").read_text())
    change(info)
    (root / "meta/info.json").write_text(json.dumps(info))
    return root


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"total_episodes": None}, "total_episodes is None"),
        ({"total_episodes": "3"}, "total_episodes is '3'"),
        ({"chunks_size": None}, "chunks_size is None"),
        ({"chunks_size": 0}, "chunks_size is 0"),
        ({"fps": None}, "fps is None"),
        ({"fps": "10"}, "fps is '10'"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"fps": True}, "fps is True"),
        ({"data_path": None}, "data_path is None"),
        ({"video_path": "videos/{nobody}.mp4"}, "video_path is 'videos/{nobody}.mp4'"),
        ({"video_path": "{video_key.__class__}.mp4"}, "video_path is"),
        ({"video_path": "{episode_index"}, "video_path is"),
        ({"features": []}, r"features is \[\]"),
        ({"features": {**CAMERA, "annotation.human": None}}, "features.annotation.human is None"),
        ({"features": {TOP: {"dtype": "video", "shape": "48"}}}, f"features.{TOP}.shape is '48'"),
        ({"features": {TOP: {"dtype": "video", "info": "h264"}}}, f"features.{TOP}.info is 'h264'"),
    ],
)
@pytest.mark.parametrize("version", ["v2.1", "v3.0"])
def test_a_wrong_value_is_told_with_its_key(
    tmp_path: Path, version: str, change: dict[str, Any], words: str
) -> None:
    root = tmp_path / "d"
    (root / "meta").mkdir(parents=True)
    if version == "v3.0" and "chunks_size" in change:
        return  # which it does not use
    good = {"codebase_version": version, "fps": 10, "features": CAMERA, "data_path": "a", "video_path": "b"}
    (root / "meta/info.json").write_text(json.dumps(good | change))
    with pytest.raises(SourceError, match=words) as error:
        read_layout(root)
    assert "meta/info.json" in error.value.found


def test_nulls_that_nobody_needs_are_no_fault(tmp_path: Path) -> None:
    def odd(info: dict[str, Any]) -> None:
        info["features"][TOP] |= {"names": None, "info": None}
        info |= {"robot_type": None, "splits": None}

    index = collect(tmp_path, with_info(fixture.write_v2(tmp_path / "d", "v2.1", [N], CAMERA), odd))
    assert index.status.tolist() == ["ok"]


def recode(root: Path, images: list[Any], fps: int) -> None:
    fixture.encode(root / f"videos/chunk-000/{TOP}/episode_000000.mp4", images, fps=fps)


PICTURES = [fixture.picture(0, number) for number in range(N)]


@pytest.mark.parametrize("fps", [5, 20, 30])
def test_a_header_of_another_rate_leaves_the_frames_right(tmp_path: Path, fps: int) -> None:
    root = fixture.write_v2(tmp_path / "d", "v2.1", [N, N], CAMERA)
    recode(root, PICTURES, fps)
    index = collect(tmp_path, root)
    assert seen(tmp_path, "episode_000000") == [(0, number) for number in range(N)]
    assert f"the video's clock runs at {fps} Hz, the dataset's at 10" in index.reason.iloc[0]
    assert "clock" not in index.reason.iloc[1]


def test_a_video_of_a_higher_rate_is_read_by_its_times(tmp_path: Path) -> None:
    root = fixture.write_v2(tmp_path / "d", "v2.1", [N], CAMERA)
    recode(root, [fixture.picture(0, number // 3) for number in range(3 * N)], 30)
    index = collect(tmp_path, root)
    assert seen(tmp_path, "episode_000000") == [(0, number) for number in range(N)]
    assert "taken by their time" in index.reason.iloc[0]
    collect(tmp_path / "slow", root, resample_hz=5)
    assert seen(tmp_path / "slow", "episode_000000") == [(0, number) for number in range(0, N, 2)]


def test_a_video_that_fits_by_neither_tells_both_rates(tmp_path: Path) -> None:
    root = fixture.write_v2(tmp_path / "d", "v2.1", [N, N], CAMERA)
    recode(root, PICTURES[:6], 20)
    reason = collect(tmp_path, root).reason["episode_000000"]
    assert "runs at 20 Hz, the dataset's at 10" in reason
    assert "the episode 8 rows" in reason


def test_a_shared_video_of_another_rate_never_gives_another_episodes_frames(tmp_path: Path) -> None:
    root = fixture.write_v3(tmp_path / "d", [4, 4, 8], CAMERA)
    images = [fixture.picture(e, n) for e, length in enumerate([4, 4, 8]) for n in range(length)]
    fixture.encode(root / f"videos/{TOP}/chunk-000/file-000.mp4", images, fps=20)
    with pytest.raises(SourceError) as error:
        collect(tmp_path, root)
    assert "clock runs at 20 Hz" in str(error.value)


def retimed(root: Path, froms: list[float]) -> Path:
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    records = pq.read_table(path).to_pylist()
    for record, from_s in zip(records, froms, strict=True):
        record[f"videos/{TOP}/from_timestamp"] = from_s
        record[f"videos/{TOP}/to_timestamp"] = from_s + record["length"] / 10
    pq.write_table(pa.Table.from_pylist(records), path)
    return root


@pytest.mark.parametrize("froms", [[0.0, 0.0, 0.8], [0.0, 0.2, 0.8], [0.4, 0.4, 0.8]])
def test_episodes_that_overlap_are_right_or_told(tmp_path: Path, froms: list[float]) -> None:
    root = retimed(fixture.write_v3(tmp_path / "d", [4, 4, 4], CAMERA), froms)
    index = collect(tmp_path, root)
    for episode, clip_id in enumerate(index.index):
        if index.status[clip_id] == "ok":
            assert seen(tmp_path, clip_id) == [(episode, number) for number in range(4)]
        else:
            assert "overlaps" in index.reason[clip_id]
    assert (index.status == "ok").sum() == 2


def test_a_dataset_whose_episodes_were_left_out_is_no_overlap(tmp_path: Path) -> None:
    root = fixture.write_v3(tmp_path / "d", [4, 4, 4], CAMERA)
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    pq.write_table(pa.Table.from_pylist(pq.read_table(path).to_pylist()[1:]), path)
    index = collect(tmp_path, with_info(root, lambda info: info.update(total_episodes=2)))
    assert index.status.tolist() == ["ok", "ok"]
    assert seen(tmp_path, "episode_000002") == [(2, number) for number in range(4)]


def test_rows_of_another_episode_are_not_taken(tmp_path: Path) -> None:
    root = fixture.write_v3(tmp_path / "d", [4, 4], CAMERA)
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    records = pq.read_table(path).to_pylist()
    records[1] |= {"dataset_from_index": 0, "dataset_to_index": 4}
    pq.write_table(pa.Table.from_pylist(records), path)
    index = collect(tmp_path, root)
    assert index.status.tolist() == ["ok", "failed"]
    assert "say that they belong to [0]" in index.reason["episode_000001"]


def test_pointers_of_git_lfs_are_named(tmp_path: Path) -> None:
    root = fixture.write_v2(tmp_path / "d", "v2.1", [N, N, N], CAMERA)
    (root / f"videos/chunk-000/{TOP}/episode_000000.mp4").write_bytes(POINTER)
    (root / "data/chunk-000/episode_000001.parquet").write_bytes(POINTER)
    index = collect(tmp_path, root)
    assert index.status.tolist() == ["failed", "failed", "ok"]
    for reason in index.reason[:2]:
        assert "is a Git LFS pointer of a file of 123456 bytes" in reason
        assert "git lfs pull" in reason


@pytest.mark.parametrize("name", ["meta/info.json", "meta/tasks.parquet", "meta/episodes.jsonl"])
def test_pointers_in_place_of_metadata_are_named(tmp_path: Path, name: str) -> None:
    is_v3 = name.endswith("parquet")
    root = tmp_path / "d"
    fixture.write_v3(root, [4], CAMERA) if is_v3 else fixture.write_v2(root, "v2.1", [4], CAMERA)
    (root / name).write_bytes(POINTER)
    with pytest.raises(SourceError, match="Git LFS pointer"):
        read_layout(root)


def test_depth_of_another_clock_is_told(tmp_path: Path) -> None:
    cameras = {TOP: fixture.video_feature(), DEPTH: fixture.video_feature("gray16le", (48, 96, 1))}
    root = fixture.write_v3(tmp_path / "d", [N, N], cameras)
    images = [fixture.images_of(DEPTH, cameras[DEPTH], e, N) for e in range(2)]
    path = root / f"videos/{DEPTH}/chunk-000/file-000.mp4"
    path.unlink()
    fixture.encode(path, [*images[0], *images[1]], "ffv1", "gray16le", fps=20)
    with pytest.raises(SourceError, match="clock runs at 20 Hz"):
        collect(tmp_path, root)
