"""Reading demonstrations from a LeRobotDataset v3.0 with pyarrow and PyAV alone.

    meta/info.json, meta/stats.json, meta/tasks.parquet, meta/episodes/chunk-*/file-*.parquet
    data/chunk-*/file-*.parquet                  states and actions, one row group per episode
    videos/<video key>/chunk-*/file-*.mp4        the frames of many episodes, one after the other

An episode's frames begin `from_timestamp` seconds into their mp4; a row's own `timestamp` starts at 0 in each
episode. Episodes are decoded only when asked for. The episode table may tell of each whether it was a
`success`, and of which `task` of our simulator it is. The writer is `mu0.sources.lerobot.writing_v3`.

Source
    LeRobotDataset v3.0 (Hugging Face LeRobot, Apache-2.0).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from jaxtyping import Float32, UInt8

from mu0.errors import SourceError, StageError
from mu0.files import inside, read_json
from mu0.sources.containers.video import read_range
from mu0.sources.faults import unreadable_file

VERSION = "v3.0"
FRONT = "observation.images.front"
WRIST = "observation.images.wrist"
STATE = "observation.state"
ACTION = "action"


@dataclass(frozen=True)
class DemonstrationEpisode:
    """One demonstration; rows of `state` and `action` are frames (meaning: `mu0.sources.clip.on_disk`)."""

    front: UInt8[np.ndarray, "t h w 3"]
    wrist: UInt8[np.ndarray, "t h2 w2 3"]
    state: Float32[np.ndarray, "t state"]
    action: Float32[np.ndarray, "t action"]
    instruction: str


@dataclass(frozen=True)
class EpisodeRecord:
    """Where an episode lies: rows [from_index, to_index) of the data, and where its frames begin [s].

    `success`, and `arm_task`, the task of our simulator, are None where the dataset does not tell.
    """

    episode_index: int
    length: int
    task: str
    from_index: int
    to_index: int
    data_file: str
    video_files: dict[str, str]
    from_timestamp_s: dict[str, float]
    success: bool | None = None
    arm_task: str | None = None


@dataclass(frozen=True)
class LeRobotDataset:
    """A dataset on disk; `load_episode` decodes one episode."""

    root: Path
    fps_hz: float
    features: dict[str, Any]
    episodes: tuple[EpisodeRecord, ...]
    tasks: tuple[str, ...]

    @staticmethod
    def open(root: Path) -> "LeRobotDataset":
        """Read the dataset's metadata.

        Raises:
            SourceError: The folder is no LeRobotDataset v3.0, or its metadata are damaged or disagree.
        """
        info = _read_info(root)
        tasks = _read_table(root, "meta/tasks.parquet", ("task_index", "task"))
        names = sorted(zip(tasks["task_index"], tasks["task"], strict=True))
        video_keys = [key for key, feature in info["features"].items() if feature["dtype"] == "video"]
        episodes: list[EpisodeRecord] = []
        for path in sorted((root / "meta/episodes").glob("chunk-*/file-*.parquet")):
            columns = _read_table(root, path.relative_to(root).as_posix(), ("episode_index", "length"))
            rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
            episodes += [_record(row, info, video_keys) for row in rows]
        if len(episodes) != info["total_episodes"]:
            raise SourceError(
                f"{root}/meta/episodes lists {len(episodes)} episodes.",
                expected=f"{info['total_episodes']} episodes, as meta/info.json says",
                remedy="write or download the dataset again.",
            )
        return LeRobotDataset(
            root, float(info["fps"]), info["features"], tuple(episodes), tuple(t for _, t in names)
        )

    def not_failed(self) -> list[int]:
        """The numbers of the episodes that are not labelled as failures."""
        return [number for number, record in enumerate(self.episodes) if record.success is not False]

    def load_episode(self, index: int) -> DemonstrationEpisode:
        """Decode episode `index`.

        Raises:
            SourceError: A file is missing or damaged, or frames and rows do not match.
        """
        record = self.episodes[index]
        data_file = self.root / record.data_file
        changed_ns = data_file.stat().st_mtime_ns if data_file.exists() else 0
        table = _read_rows(self.root, record.data_file, changed_ns)
        rows = table["index"]
        mask = (rows >= record.from_index) & (rows < record.to_index)
        if mask.sum() != record.length:
            raise SourceError(
                f"{self.root / record.data_file}: episode {index} has {int(mask.sum())} rows.",
                expected=f"{record.length} rows with index {record.from_index}..{record.to_index - 1}",
                remedy="write or download the dataset again.",
            )
        return DemonstrationEpisode(
            front=self._frames(record, FRONT),
            wrist=self._frames(record, WRIST),
            state=table[STATE][mask],
            action=table[ACTION][mask],
            instruction=record.task,
        )

    def _frames(self, record: EpisodeRecord, key: str) -> UInt8[np.ndarray, "t h w 3"]:
        if key not in record.video_files:
            raise SourceError(
                f"{self.root} has no video {key}; it has {sorted(record.video_files)}.",
                expected=f"the videos {FRONT} and {WRIST}",
                remedy="rename the dataset's features, or record both cameras.",
            )
        return read_range(
            inside(self.root, record.video_files[key]), record.from_timestamp_s[key], record.length
        )


def _read_info(root: Path) -> dict[str, Any]:
    try:
        info = read_json(root / "meta/info.json")
    except StageError as error:
        raise SourceError(
            error.found, expected="a LeRobotDataset v3.0 folder", remedy="check the folder's name."
        ) from error
    if info.get("codebase_version") != VERSION:
        raise SourceError(
            f"{root}/meta/info.json has codebase_version {info.get('codebase_version')!r}.",
            expected=f"{VERSION!r}",
            remedy="convert the dataset with LeRobot's own script for v2.1 -> v3.0.",
        )
    return info


def _record(row: dict[str, Any], info: dict[str, Any], video_keys: list[str]) -> EpisodeRecord:
    return EpisodeRecord(
        episode_index=row["episode_index"],
        length=row["length"],
        task=row["tasks"][0] if row["tasks"] else "",
        from_index=row["dataset_from_index"],
        to_index=row["dataset_to_index"],
        data_file=info["data_path"].format(
            chunk_index=row["data/chunk_index"], file_index=row["data/file_index"]
        ),
        video_files={
            key: info["video_path"].format(
                video_key=key,
                chunk_index=row[f"videos/{key}/chunk_index"],
                file_index=row[f"videos/{key}/file_index"],
            )
            for key in video_keys
        },
        from_timestamp_s={key: row[f"videos/{key}/from_timestamp"] for key in video_keys},
        success=row.get("success"),
        arm_task=row.get("task"),
    )


@lru_cache(maxsize=2)
def _read_rows(root: Path, name: str, changed_ns: int) -> dict[str, np.ndarray]:  # noqa: ARG001 part of the key
    """Index, states and actions of a data file; many episodes share one, so it is kept until it changes."""
    table = _read_table(root, name, ("index", STATE, ACTION))
    return {"index": np.asarray(table["index"])} | {
        key: np.asarray(table[key], np.float32) for key in (STATE, ACTION)
    }


def _read_table(root: Path, name: str, needed: tuple[str, ...]) -> dict[str, list[Any]]:
    path = inside(root, name)
    try:
        columns = pq.read_table(path).to_pydict()
    except (OSError, ValueError) as error:  # pyarrow's own errors derive from these
        raise unreadable_file(
            path, error, "a Parquet file", "write or download the dataset again."
        ) from error
    if missing := [column for column in needed if column not in columns]:
        raise SourceError(
            f"{path} lacks the columns {missing}; it has {sorted(columns)}.",
            expected=f"a LeRobotDataset {VERSION} table",
            remedy="write or download the dataset again.",
        )
    return columns
