"""Writing a LeRobotDataset v3.0 with pyarrow and PyAV alone; the layout is told in `dataset_v3`.

Rules that are easy to get wrong
    - `from_timestamp` is (frames before the episode in that mp4) / fps, never a sum of floats that drifts;
    - one row group per episode; tables as `tables` says.
Quantiles in stats.json are taken over all frames (LeRobot's own writer stores an envelope of the episodes').
"""

import json
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import UInt8

from mu0.errors import SourceError
from mu0.files import atomic_folder
from mu0.sources.containers.encoding import VideoEncoder, h264_options
from mu0.sources.lerobot.dataset_v3 import (
    ACTION,
    FRONT,
    STATE,
    VERSION,
    WRIST,
    DemonstrationEpisode,
    LeRobotDataset,
)
from mu0.sources.lerobot.feature_statistics import PixelStatistics, vector_statistics
from mu0.sources.lerobot.tables import (
    ACTION_NAMES,
    COUNTERS,
    STATE_NAMES,
    data_schema,
    data_table,
    tasks_table,
)

CHUNK_FILES = 1000
VIDEO_LIMIT_MB = 200
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
CRF = 18
GOP = 2  # a key frame at every second frame: random access costs at most one extra frame


def write_lerobot_dataset(
    root: Path,
    episodes: Iterable[DemonstrationEpisode],
    *,
    fps_hz: float,
    robot_type: str,
    video_limit_mb: int = VIDEO_LIMIT_MB,
) -> LeRobotDataset:
    """Write demonstrations, two episodes in memory at a time; the folder appears complete or not at all.

    Raises:
        SourceError: There are no episodes, an episode's parts differ in length, or the rate is not a whole
            number of frames per second.
    """
    if fps_hz != round(fps_hz):
        raise SourceError(
            f"The demonstrations run at {fps_hz} Hz.",
            expected="a whole number of frames per second",
            remedy="record at such a rate.",
        )
    with atomic_folder(root) as new:
        state = _Recording(new, round(fps_hz), video_limit_mb * 1_000_000)
        try:
            for episode in episodes:
                state.add(episode)
            state.settle()
        finally:
            state.close()
        if not state.records:
            raise SourceError(
                f"There are no demonstrations to write into {root}.",
                expected="at least one successful demonstration",
                remedy="raise `raw_videos.sources.<name>.n_clips` in params.yaml.",
            )
        _write_metadata(new, state, robot_type)
    return LeRobotDataset.open(root)


@final
@dataclass
class _VideoFiles:
    """The growing mp4s of one video key; a new file begins when one exceeds the limit."""

    root: Path
    key: str
    fps: int
    limit_bytes: int
    n_files: int = 0
    encoder: VideoEncoder | None = None
    pixels: PixelStatistics = field(default_factory=PixelStatistics)
    shape: tuple[int, ...] = ()

    def add(self, frames: UInt8[np.ndarray, "t h w 3"]) -> dict[str, Any]:
        """Append an episode's frames and return its columns of the episode table."""
        if self.encoder is None or self.encoder.path.stat().st_size > self.limit_bytes:
            self.close()
            chunk, file = divmod(self.n_files, CHUNK_FILES)
            path = self.root / VIDEO_PATH.format(video_key=self.key, chunk_index=chunk, file_index=file)
            path.parent.mkdir(parents=True, exist_ok=True)
            self.encoder = VideoEncoder(path, float(self.fps), "libx264", h264_options(CRF, GOP))
            self.n_files += 1
        chunk, file = divmod(self.n_files - 1, CHUNK_FILES)
        first = self.encoder.n_frames
        for frame in frames:
            self.encoder.add(frame)
        self.pixels.add(frames)
        self.shape = frames.shape[1:]
        return {
            f"videos/{self.key}/chunk_index": chunk,
            f"videos/{self.key}/file_index": file,
            f"videos/{self.key}/from_timestamp": first / self.fps,
            f"videos/{self.key}/to_timestamp": self.encoder.n_frames / self.fps,
        }

    def close(self) -> None:
        if self.encoder is not None:
            self.encoder.close()
            self.encoder = None


@final
class _Recording:
    """What has been written so far.

    Each camera is encoded by a thread of its own while the caller decodes the next episode. A stream gets its
    frames in their order, so the bytes are those of one thread.
    """

    def __init__(self, root: Path, fps: int, limit_bytes: int) -> None:
        self.root, self.fps = root, fps
        self.videos = [_VideoFiles(root, key, fps, limit_bytes) for key in (FRONT, WRIST)]
        self.records: list[dict[str, Any]] = []
        self.tasks: dict[str, int] = {}
        self.columns: dict[str, list[np.ndarray]] = {}
        self.n_frames = 0
        self._encoding = ThreadPoolExecutor(len(self.videos))
        self._encoded: list[Future[dict[str, Any]]] = []
        path = root / DATA_PATH.format(chunk_index=0, file_index=0)
        path.parent.mkdir(parents=True)
        self._data = pq.ParquetWriter(path, data_schema(), compression="snappy")

    def add(self, episode: DemonstrationEpisode) -> None:
        length, index = len(episode.state), len(self.records)
        lengths = [len(episode.front), len(episode.wrist), length, len(episode.action)]
        if len(set(lengths)) != 1 or length == 0:
            raise SourceError(
                f"Demonstration {index}: front, wrist, state and action have lengths {lengths}.",
                expected="one row per frame everywhere, and at least one frame",
                remedy="record the demonstration again.",
            )
        task_index = self.tasks.setdefault(episode.instruction, len(self.tasks))
        steps = np.arange(length)
        columns = {
            STATE: episode.state,
            ACTION: episode.action,
            "timestamp": (steps / self.fps).astype(np.float32),
            "frame_index": steps,
            "episode_index": np.full(length, index),
            "index": self.n_frames + steps,
            "task_index": np.full(length, task_index),
        }
        self._data.write_table(data_table(columns))
        for name, column in columns.items():
            self.columns.setdefault(name, []).append(column)
        record: dict[str, Any] = {
            "episode_index": index,
            "tasks": [episode.instruction],
            "length": length,
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": self.n_frames,
            "dataset_to_index": self.n_frames + length,
        }
        self.settle()
        for files, frames in zip(self.videos, (episode.front, episode.wrist), strict=True):
            self._encoded.append(self._encoding.submit(files.add, frames))
        self.records.append(record)
        self.n_frames += length

    def settle(self) -> None:
        """Wait until the last episode is encoded, and complete its record with where its frames lie."""
        for encoded in self._encoded:
            self.records[-1] |= encoded.result()
        if self._encoded:
            self.records[-1] |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}
        self._encoded = []

    def close(self) -> None:
        self._encoding.shutdown()
        self._data.close()
        for files in self.videos:
            files.close()


def _write_metadata(root: Path, state: _Recording, robot_type: str) -> None:
    (root / "meta/episodes/chunk-000").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(state.records), root / "meta/episodes/chunk-000/file-000.parquet")
    pq.write_table(tasks_table(list(state.tasks)), root / "meta/tasks.parquet")
    statistics = {name: vector_statistics(np.concatenate(parts)) for name, parts in state.columns.items()}
    statistics |= {files.key: files.pixels.summary() for files in state.videos}
    _write_indented(root / "meta/stats.json", statistics)
    info = {
        "codebase_version": VERSION,
        "robot_type": robot_type,
        "fps": state.fps,
        "total_episodes": len(state.records),
        "total_frames": state.n_frames,
        "total_tasks": len(state.tasks),
        "chunks_size": CHUNK_FILES,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": VIDEO_LIMIT_MB,
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH,
        "splits": {"train": f"0:{len(state.records)}"},
        "features": _features(state),
    }
    _write_indented(root / "meta/info.json", info)


def _write_indented(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=4) + "\n")  # key order carries the order of the columns


def _features(state: _Recording) -> dict[str, Any]:
    features = {files.key: _video_feature(files) for files in state.videos}
    features[STATE] = {"dtype": "float32", "shape": [len(STATE_NAMES)], "names": STATE_NAMES}
    features[ACTION] = {"dtype": "float32", "shape": [len(ACTION_NAMES)], "names": ACTION_NAMES}
    features["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
    return features | {name: {"dtype": "int64", "shape": [1], "names": None} for name in COUNTERS}


def _video_feature(files: _VideoFiles) -> dict[str, Any]:
    height_px, width_px = files.shape[:2]
    info = {
        "video.height": height_px,
        "video.width": width_px,
        "video.channels": 3,
        "video.fps": files.fps,
        "video.codec": "h264",
        "video.pix_fmt": "yuv444p" if height_px % 2 or width_px % 2 else "yuv420p",
        "video.g": GOP,
        "video.crf": CRF,
        "is_depth_map": False,
        "has_audio": False,
    }
    names = ["height", "width", "channels"]
    return {"dtype": "video", "shape": [height_px, width_px, 3], "names": names, "info": info}
