"""A dataset in another version: equal rows, instructions and labels, and frames that are nearly equal."""

import json
from pathlib import Path

import lerobot_layouts as fixture
import numpy as np
import pyarrow.parquet as pq
import pytest

from mu0.errors import SourceError
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode
from mu0.sources.lerobot.export import export_dataset
from mu0.sources.lerobot.layout import read_layout
from mu0.sources.lerobot.reading_whole import read_whole
from mu0.sources.lerobot.writer import write_lerobot_dataset

LENGTHS = (7, 5, 9)
ROWS = "data/chunk-000/file-000.parquet"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    episodes = []
    for number, length in enumerate(LENGTHS):
        rng = np.random.default_rng(number)
        grey = np.arange(length, dtype=np.uint8) * 8 + 40 * number
        frames = np.broadcast_to(grey[:, None, None, None], (length, 32, 48, 3)).copy()
        state, action = (rng.normal(size=(length, n)).astype(np.float32) for n in (9, 5))
        episodes.append(DemonstrationEpisode(frames, frames[:, :16], state, action, f"task {number % 2}"))
    write_lerobot_dataset(tmp_path / "set", episodes, fps_hz=10.0, robot_type="ur3e")
    return tmp_path / "set"


def test_v21_has_the_rows_texts_and_frames_of_v30(root: Path, tmp_path: Path) -> None:
    exported = export_dataset(root, tmp_path / "old", "v2.1")
    assert (exported.n_episodes, exported.faults, exported.features) == (3, {}, [])
    new, old = read_layout(root), read_layout(tmp_path / "old")
    assert old.version == "v2.1"
    for one, other in zip(new.episodes, old.episodes, strict=True):
        a, b = read_whole(new, one), read_whole(old, other)
        assert one.length == other.length
        assert a.tasks == b.tasks
        for name in a.columns:
            np.testing.assert_array_equal(a.columns[name], b.columns[name])
        for key in a.videos:
            for frame, again in zip(a.videos[key], b.videos[key], strict=True):
                np.testing.assert_allclose(frame.astype(int), again.astype(int), atol=4)


def test_there_and_back_gives_the_same_table(root: Path, tmp_path: Path) -> None:
    export_dataset(root, tmp_path / "old", "v2.1")
    export_dataset(tmp_path / "old", tmp_path / "back", "v3.0")
    assert (root / ROWS).read_bytes() == (tmp_path / "back" / ROWS).read_bytes()


def test_files_of_v21_and_their_statistics(root: Path, tmp_path: Path) -> None:
    export_dataset(root, tmp_path / "old", "v2.1")
    names = {path.relative_to(tmp_path / "old").as_posix() for path in (tmp_path / "old").rglob("*.*")}
    assert {f"data/chunk-000/episode_{n:06d}.parquet" for n in range(3)} <= names
    assert {f"videos/chunk-000/observation.images.wrist/episode_{n:06d}.mp4" for n in range(3)} <= names
    info = json.loads((tmp_path / "old/meta/info.json").read_text())
    assert (info["total_videos"], info["total_chunks"], info["total_frames"]) == (6, 1, 21)
    lines = (tmp_path / "old/meta/episodes_stats.jsonl").read_text().splitlines()
    action = pq.read_table(tmp_path / "old/data/chunk-000/episode_000002.parquet")["action"].to_pylist()
    statistics = json.loads(lines[2])["stats"]
    np.testing.assert_allclose(statistics["action"]["mean"], np.mean(action, axis=0), rtol=1e-6)
    assert statistics["action"]["count"] == [9]
    assert np.shape(statistics["observation.images.front"]["std"]) == (3, 1, 1)


def test_labels_and_instructions_of_single_rows_come_along(tmp_path: Path) -> None:
    root = fixture.write_v3(tmp_path / "set", [6, 8], {fixture.TOP: fixture.video_feature()})
    path = root / "meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("success", [[True, False]]), path)
    export_dataset(root, tmp_path / "old", "v2.1")
    lines = [json.loads(line) for line in (tmp_path / "old/meta/episodes.jsonl").read_text().splitlines()]
    assert [line["success"] for line in lines] == [True, False]
    assert [line["tasks"] for line in lines] == [[fixture.TASKS[0]], [fixture.TASKS[1]]]


def test_a_damaged_episode_is_left_out_and_told(tmp_path: Path) -> None:
    root = fixture.write_v2(tmp_path / "set", "v2.1", [6, 8, 7], {fixture.TOP: fixture.video_feature()})
    (root / f"videos/chunk-000/{fixture.TOP}/episode_000001.mp4").write_bytes(b"no video")
    exported = export_dataset(root, tmp_path / "new", "v3.0")
    assert list(exported.faults) == ["episode_000001"]
    assert [episode.length for episode in read_layout(tmp_path / "new").episodes] == [6, 7]


def test_depth_that_cannot_be_written_again_is_told(tmp_path: Path) -> None:
    cameras = {fixture.TOP: fixture.video_feature(), fixture.DEPTH: fixture.image_feature(1)}
    root = fixture.write_v3(tmp_path / "set", [6], cameras)
    assert export_dataset(root, tmp_path / "new", "v3.0").features == [fixture.DEPTH]
    assert list(read_layout(tmp_path / "new").cameras) == [fixture.TOP]


def test_an_unknown_version_and_a_taken_goal(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no version 'v9'[\s\S]*v2\.1, v3\.0"):
        export_dataset(root, tmp_path / "new", "v9")
    with pytest.raises(SourceError, match="exists"):
        export_dataset(root, root, "v2.1")
