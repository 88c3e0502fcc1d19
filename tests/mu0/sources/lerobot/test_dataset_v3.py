"""LeRobotDataset v3.0: what is written comes back, and the tables obey the format's rules."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from mu0.errors import SourceError
from mu0.sources.lerobot.dataset_v3 import FRONT, WRIST, DemonstrationEpisode, LeRobotDataset
from mu0.sources.lerobot.writer import write_lerobot_dataset

LENGTHS = (7, 5, 9)
TASKS = ("pick the apple", "pick the apple", "place the can")


def episode(index: int, length: int, task: str) -> DemonstrationEpisode:
    rng = np.random.default_rng(index)
    grey = np.arange(length, dtype=np.uint8) * 8 + 40 * index
    return DemonstrationEpisode(
        front=np.broadcast_to(grey[:, None, None, None], (length, 32, 48, 3)).copy(),
        wrist=np.broadcast_to(255 - grey[:, None, None, None], (length, 16, 16, 3)).copy(),
        state=rng.normal(size=(length, 9)).astype(np.float32),
        action=rng.normal(size=(length, 5)).astype(np.float32),
        instruction=task,
    )


EPISODES = [episode(i, n, task) for i, (n, task) in enumerate(zip(LENGTHS, TASKS, strict=True))]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_lerobot_dataset(tmp_path / "set", iter(EPISODES), fps_hz=10.0, robot_type="ur3e")
    return tmp_path / "set"


def test_every_episode_comes_back_with_its_own_frames(root: Path) -> None:
    dataset = LeRobotDataset.open(root)
    assert [record.length for record in dataset.episodes] == list(LENGTHS)
    assert dataset.tasks == ("pick the apple", "place the can")
    for index in (2, 0, 1):
        loaded, expected = dataset.load_episode(index), EPISODES[index]
        np.testing.assert_array_equal(loaded.state, expected.state)
        np.testing.assert_array_equal(loaded.action, expected.action)
        assert loaded.instruction == expected.instruction
        np.testing.assert_allclose(loaded.front.astype(int), expected.front.astype(int), atol=3)
        np.testing.assert_allclose(loaded.wrist.astype(int), expected.wrist.astype(int), atol=3)


def test_counters_and_times_follow_the_format(root: Path) -> None:
    rows = pq.read_table(root / "data/chunk-000/file-000.parquet").to_pandas()
    assert rows["index"].tolist() == list(range(21))
    assert rows["frame_index"].tolist() == [i for n in LENGTHS for i in range(n)]
    assert rows["task_index"].tolist() == [0] * 12 + [1] * 9
    np.testing.assert_array_equal(rows["timestamp"], (rows["frame_index"] / 10).astype(np.float32))
    episodes = pq.read_table(root / "meta/episodes/chunk-000/file-000.parquet").to_pandas()
    assert episodes["dataset_from_index"].tolist() == [0, 7, 12]
    assert episodes["dataset_to_index"].tolist() == [7, 12, 21]
    assert episodes[f"videos/{FRONT}/from_timestamp"].tolist() == [0.0, 0.7, 1.2]
    assert episodes[f"videos/{WRIST}/to_timestamp"].tolist() == [0.7, 1.2, 2.1]


def test_types_row_groups_and_hugging_face_metadata(root: Path) -> None:
    file = pq.ParquetFile(root / "data/chunk-000/file-000.parquet")
    assert file.num_row_groups == 3
    assert [str(kind) for kind in file.schema_arrow.types] == [
        "fixed_size_list<element: float>[9]",
        "fixed_size_list<element: float>[5]",
        "float",
        *["int64"] * 4,
    ]
    features = json.loads(file.schema_arrow.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == file.schema_arrow.names
    assert features["action"] == {
        "feature": {"dtype": "float32", "_type": "Value"},
        "length": 5,
        "_type": "List",
    }
    info = json.loads((root / "meta/info.json").read_text())
    assert list(info["features"])[:2] == [FRONT, WRIST]
    assert list(info["features"])[-5:] == ["timestamp", "frame_index", "episode_index", "index", "task_index"]
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"], info["fps"]) == (3, 21, 2, 10)


def test_the_task_text_is_the_pandas_index(root: Path) -> None:
    tasks = pd.read_parquet(root / "meta/tasks.parquet")
    assert tasks.index.name == "task"
    assert tasks["task_index"].to_dict() == {"pick the apple": 0, "place the can": 1}


def test_statistics_agree_with_numpy(root: Path) -> None:
    statistics = json.loads((root / "meta/stats.json").read_text())
    action = np.concatenate([e.action for e in EPISODES]).astype(np.float64)
    np.testing.assert_allclose(statistics["action"]["mean"], action.mean(0))
    np.testing.assert_allclose(statistics["action"]["q90"], np.quantile(action, 0.9, axis=0))
    pixels = np.concatenate([e.front for e in EPISODES]).reshape(-1, 3) / 255
    front = statistics[FRONT]
    np.testing.assert_allclose(np.ravel(front["std"]), pixels.std(0))
    np.testing.assert_allclose(np.ravel(front["max"]), pixels.max(0))
    np.testing.assert_allclose(
        np.ravel(front["q50"]), np.quantile(pixels, 0.5, axis=0, method="inverted_cdf")
    )
    assert np.shape(front["mean"]) == (3, 1, 1)
    assert front["count"] == [21]


def test_a_full_video_file_is_followed_by_the_next(tmp_path: Path) -> None:
    dataset = write_lerobot_dataset(
        tmp_path / "set", iter(EPISODES), fps_hz=10.0, robot_type="ur3e", video_limit_mb=-1
    )
    assert [record.video_files[FRONT][-12:] for record in dataset.episodes] == [
        "file-000.mp4", "file-001.mp4", "file-002.mp4",
    ]  # fmt: skip
    assert [record.from_timestamp_s[FRONT] for record in dataset.episodes] == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(
        dataset.load_episode(2).front.astype(int), EPISODES[2].front.astype(int), atol=3
    )


def test_equal_demonstrations_give_equal_bytes(root: Path, tmp_path: Path) -> None:
    write_lerobot_dataset(tmp_path / "again", iter(EPISODES), fps_hz=10.0, robot_type="ur3e")
    for path in (path for path in root.rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(root)).read_bytes(), path


def test_no_demonstrations_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no demonstrations[\s\S]*n_clips"):
        write_lerobot_dataset(tmp_path / "set", iter(()), fps_hz=10.0, robot_type="ur3e")
    assert list(tmp_path.iterdir()) == []


def test_an_older_version_is_named(root: Path) -> None:
    path = root / "meta/info.json"
    path.write_text(path.read_text().replace("v3.0", "v2.1"))
    with pytest.raises(SourceError, match=r"codebase_version 'v2\.1'[\s\S]*convert"):
        LeRobotDataset.open(root)


def test_a_path_template_cannot_leave_the_dataset(root: Path) -> None:
    path = root / "meta/info.json"
    path.write_text(path.read_text().replace('"videos/{video_key}', '"../../videos/{video_key}'))
    with pytest.raises(SourceError, match="points outside"):
        LeRobotDataset.open(root).load_episode(0)
