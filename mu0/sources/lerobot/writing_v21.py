"""Writing a LeRobotDataset v2.1: what older trainers read.

    meta/info.json, meta/tasks.jsonl, meta/episodes.jsonl, meta/episodes_stats.jsonl
    data/chunk-*/episode_*.parquet               one episode each
    videos/chunk-*/<video key>/episode_*.mp4     one episode and camera each

Statistics are those of each episode (min, max, mean, std, count); there are none of the whole dataset.

Source
    LeRobotDataset v2.1 (Hugging Face LeRobot up to 0.3, Apache-2.0).
"""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mu0.errors import SourceError
from mu0.files import atomic_folder
from mu0.sources.lerobot.feature_statistics import vector_statistics
from mu0.sources.lerobot.tables import bookkeeping_features, data_schema, data_table
from mu0.sources.lerobot.video_files import VideoFiles
from mu0.sources.lerobot.whole_episode import Contents, WholeEpisode
from mu0.sources.lerobot.writing_v3 import write_indented

VERSION = "v2.1"
CHUNK_EPISODES = 1000
EPISODE = "chunk-{episode_chunk:03d}/"
DATA_PATH = "data/" + EPISODE + "episode_{episode_index:06d}.parquet"
VIDEO_PATH = "videos/" + EPISODE + "{video_key}/episode_{episode_index:06d}.mp4"
STATISTICS = ("min", "max", "mean", "std", "count")


def write_v21(root: Path, episodes: Iterable[WholeEpisode], contents: Contents, *, crf: int) -> None:
    """Write a dataset, one episode in memory at a time; the folder appears complete or not at all.

    Raises:
        SourceError: There are no episodes, an episode's parts differ in length, or the rate is not a whole
            number of frames per second.
    """
    fps = contents.whole_fps()
    with atomic_folder(root) as new:
        recording = _Recording(new, contents, fps, crf)
        for episode in episodes:
            recording.add(episode)
        if not recording.episodes:
            raise SourceError(
                f"There are no episodes to write into {root}.",
                expected="at least one episode that can be used",
                remedy="see what `mu0 demos doctor` says of the dataset.",
            )
        recording.write_metadata()


@final
class _Recording:
    """What has been written so far."""

    def __init__(self, root: Path, contents: Contents, fps: int, crf: int) -> None:
        self.root, self.contents, self.fps, self.crf = root, contents, fps, crf
        self.tasks: dict[str, int] = {}
        self.episodes: list[dict[str, Any]] = []
        self.statistics: list[dict[str, Any]] = []
        self.cameras: dict[str, Any] = {}
        self.n_frames = 0
        self._schema = _plain(data_schema(contents.columns))

    def add(self, episode: WholeEpisode) -> None:
        index = len(self.episodes)
        length = episode.length(f"Episode {index}")
        steps = np.arange(length)
        columns = {
            **episode.columns,
            "timestamp": (steps / self.fps).astype(np.float32),
            "frame_index": steps,
            "episode_index": np.full(length, index),
            "index": self.n_frames + steps,
            "task_index": episode.rows_of_task(self.tasks, length),
        }
        path = self._path(DATA_PATH, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(data_table(columns, self._schema), path)
        found = {name: _four_of(vector_statistics(columns[name])) for name in self._schema.names}
        for key, told in self.contents.cameras.items():
            files = VideoFiles(key, told, self.fps, self.crf, partial(self._video_path, key, index))
            try:
                files.add(episode.videos[key], length)
            finally:
                files.close()
            self.cameras.setdefault(key, files.feature())
            found[key] = _four_of(files.pixels.summary())
        tasks = list(episode.tasks or ("",))
        self.episodes.append({"episode_index": index, "tasks": tasks, "length": length, **episode.facts})
        self.statistics.append({"episode_index": index, "stats": found})
        self.n_frames += length

    def write_metadata(self) -> None:
        meta, n_episodes = self.root / "meta", len(self.episodes)
        meta.mkdir()
        tasks = [{"task_index": number, "task": text} for text, number in self.tasks.items()]
        _write_lines(meta / "tasks.jsonl", tasks)
        _write_lines(meta / "episodes.jsonl", self.episodes)
        _write_lines(meta / "episodes_stats.jsonl", self.statistics)
        info = {
            "codebase_version": VERSION,
            "robot_type": self.contents.robot_type,
            "total_episodes": n_episodes,
            "total_frames": self.n_frames,
            "total_tasks": len(tasks),
            "total_videos": n_episodes * len(self.cameras),
            "total_chunks": (n_episodes - 1) // CHUNK_EPISODES + 1,
            "chunks_size": CHUNK_EPISODES,
            "fps": self.fps,
            "splits": {"train": f"0:{n_episodes}"},
            "data_path": DATA_PATH,
            "video_path": VIDEO_PATH,
            "features": self.cameras | self.contents.columns | bookkeeping_features(),
        }
        write_indented(meta / "info.json", info)

    def _video_path(self, key: str, index: int, _: int) -> Path:
        return self._path(VIDEO_PATH, index, video_key=key)

    def _path(self, template: str, index: int, **names: str) -> Path:
        chunk = index // CHUNK_EPISODES
        return self.root / template.format(episode_index=index, episode_chunk=chunk, **names)


def _plain(schema: pa.Schema) -> pa.Schema:
    """Without the features of Hugging Face: libraries of that time know no type `List`."""
    return schema.remove_metadata()


def _four_of(statistics: dict[str, Any]) -> dict[str, Any]:
    return {name: statistics[name] for name in STATISTICS}


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
