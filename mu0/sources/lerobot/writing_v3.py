"""Writing a LeRobotDataset v3.0 with pyarrow and PyAV alone; the layout is told in `dataset_v3`.

Rules that are easy to get wrong
    - `from_timestamp` is (frames before the episode in that mp4) / fps, never a sum of floats that drifts;
    - one row group per episode; tables as `tables` says.
Quantiles in stats.json are taken over all frames (LeRobot's own writer stores an envelope of the episodes').
"""

import json
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mu0.errors import SourceError
from mu0.files import atomic_folder
from mu0.sources.lerobot.feature_statistics import vector_statistics
from mu0.sources.lerobot.tables import bookkeeping_features, data_schema, data_table, tasks_table
from mu0.sources.lerobot.video_files import VideoFiles
from mu0.sources.lerobot.whole_episode import Contents, WholeEpisode

VERSION = "v3.0"
CHUNK_FILES = 1000
VIDEO_LIMIT_MB = 200
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
CRF = 18


def write_v3(
    root: Path,
    episodes: Iterable[WholeEpisode],
    contents: Contents,
    *,
    video_limit_mb: int = VIDEO_LIMIT_MB,
    crf: int = CRF,
) -> None:
    """Write a dataset, two episodes in memory at a time; the folder appears complete or not at all.

    An episode whose facts have another `success` than the one before it begins new video files: so the frames
    of the successful ones are the same bytes with and without failures behind them.

    Raises:
        SourceError: There are no episodes, an episode's parts differ in length, or the rate is not a whole
            number of frames per second.
    """
    fps = contents.whole_fps()
    with atomic_folder(root) as new:
        recording = _Recording(new, contents, fps, video_limit_mb * 1_000_000, crf)
        try:
            for episode in episodes:
                recording.add(episode)
            recording.settle()
        finally:
            recording.close()
        if not recording.records:
            raise SourceError(
                f"There are no demonstrations to write into {root}.",
                expected="at least one demonstration that can be used",
                remedy="raise `raw_videos.sources.<name>.n_clips` in params.yaml.",
            )
        recording.write_metadata()


@final
class _Recording:
    """What has been written so far.

    Each camera is encoded by a thread of its own while the caller decodes the next episode. A stream gets its
    frames in their order, so the bytes are those of one thread.
    """

    def __init__(self, root: Path, contents: Contents, fps: int, limit_bytes: int, crf: int) -> None:
        self.root, self.contents, self.fps, self.limit_bytes = root, contents, fps, limit_bytes
        self.videos = [
            VideoFiles(key, told, fps, crf, partial(_video_path, root, key))
            for key, told in contents.cameras.items()
        ]
        self.records: list[dict[str, Any]] = []
        self.tasks: dict[str, int] = {}
        self.columns: dict[str, list[np.ndarray]] = {}
        self.n_frames = 0
        self._encoding = ThreadPoolExecutor(max(1, len(self.videos)))
        self._encoded: list[Future[dict[str, Any]]] = []
        path = root / DATA_PATH.format(chunk_index=0, file_index=0)
        path.parent.mkdir(parents=True)
        self._schema = data_schema(contents.columns)
        self._data = pq.ParquetWriter(path, self._schema, compression="snappy")

    def add(self, episode: WholeEpisode) -> None:
        index = len(self.records)
        length = episode.length(f"Demonstration {index}")
        steps = np.arange(length)
        columns = {
            **episode.columns,
            "timestamp": (steps / self.fps).astype(np.float32),
            "frame_index": steps,
            "episode_index": np.full(length, index),
            "index": self.n_frames + steps,
            "task_index": episode.rows_of_task(self.tasks, length),
        }
        self._data.write_table(data_table(columns, self._schema))
        for name in self._schema.names:
            self.columns.setdefault(name, []).append(columns[name])
        record: dict[str, Any] = {
            "episode_index": index,
            "tasks": list(episode.tasks or ("",)),
            "length": length,
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": self.n_frames,
            "dataset_to_index": self.n_frames + length,
            **episode.facts,
        }
        self.settle()
        turns = bool(self.records) and record.get("success") != self.records[-1].get("success")
        for files in self.videos:
            frames = episode.videos[files.key]
            self._encoded.append(self._encoding.submit(self._encode, files, frames, length, turns))
        self.records.append(record)
        self.n_frames += length

    def _encode(self, files: VideoFiles, frames: Any, length: int, turns: bool) -> dict[str, Any]:  # noqa: FBT001
        """An episode's columns of the episode table."""
        if turns or files.bytes_written() > self.limit_bytes:
            files.close()
        first, end = files.add(frames, length)
        chunk, file = divmod(files.n_files - 1, CHUNK_FILES)
        return {
            f"videos/{files.key}/chunk_index": chunk,
            f"videos/{files.key}/file_index": file,
            f"videos/{files.key}/from_timestamp": first / self.fps,
            f"videos/{files.key}/to_timestamp": end / self.fps,
        }

    def settle(self) -> None:
        """Wait until the last episode is encoded, and complete its record with where its frames lie."""
        for encoded in self._encoded:
            self.records[-1] |= encoded.result()
        if self.records:
            self.records[-1] |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
        self._encoded = []

    def close(self) -> None:
        self._encoding.shutdown()
        self._data.close()
        for files in self.videos:
            files.close()

    def write_metadata(self) -> None:
        (self.root / "meta/episodes/chunk-000").mkdir(parents=True)
        table = pa.Table.from_pylist(self.records)
        pq.write_table(table, self.root / "meta/episodes/chunk-000/file-000.parquet")
        pq.write_table(tasks_table(list(self.tasks)), self.root / "meta/tasks.parquet")
        statistics = {name: vector_statistics(np.concatenate(parts)) for name, parts in self.columns.items()}
        statistics |= {files.key: files.pixels.summary() for files in self.videos}
        write_indented(self.root / "meta/stats.json", statistics)
        write_indented(self.root / "meta/info.json", self._info())

    def _info(self) -> dict[str, Any]:
        cameras = {files.key: files.feature() for files in self.videos}
        return {
            "codebase_version": VERSION,
            "robot_type": self.contents.robot_type,
            "fps": self.fps,
            "total_episodes": len(self.records),
            "total_frames": self.n_frames,
            "total_tasks": len(self.tasks),
            "chunks_size": CHUNK_FILES,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": VIDEO_LIMIT_MB,
            "data_path": DATA_PATH,
            "video_path": VIDEO_PATH,
            "splits": {"train": f"0:{len(self.records)}"},
            "features": cameras | self.contents.columns | bookkeeping_features(),
        }


def _video_path(root: Path, key: str, number: int) -> Path:
    chunk, file = divmod(number, CHUNK_FILES)
    return root / VIDEO_PATH.format(video_key=key, chunk_index=chunk, file_index=file)


def write_indented(path: Path, content: Any) -> None:
    """JSON as LeRobot has it: indented by four, and the order of keys is that of the columns."""
    path.write_text(json.dumps(content, indent=4) + "\n")
