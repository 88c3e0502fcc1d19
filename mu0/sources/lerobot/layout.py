"""The metadata of LeRobotDatasets v2.0, v2.1 and v3.0 in one shape: where each episode lies.

    v2.0, v2.1   meta/episodes.jsonl, meta/tasks.jsonl; for each episode one Parquet file, and one mp4 per
                 camera (they differ in their statistics only: stats.json, episodes_stats.jsonl)
    v3.0         meta/episodes/chunk-*/file-*.parquet, meta/tasks.parquet; episodes share Parquet and mp4
                 files, an episode's frames begin `from_timestamp` seconds into their mp4

An entry that is damaged becomes an episode with a fault; the others go on. File names come from templates in
meta/info.json and are looked up by `mu0.files.inside` when they are used.

Source
    LeRobotDataset v2.0, v2.1, v3.0 (Hugging Face LeRobot, Apache-2.0).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mu0.errors import SourceError, StageError
from mu0.files import inside, read_json

VERSIONS = ("v2.0", "v2.1", "v3.0")
AGAIN = "download or write the dataset again."
PARQUET_ERRORS = (pa.ArrowException, OSError, ValueError, KeyError)
EPISODE_COLUMNS = (
    "episode_index", "length", "tasks", "data/chunk_index", "data/file_index",
    "dataset_from_index", "dataset_to_index",
)  # fmt: skip
VIDEO_COLUMNS = ("chunk_index", "file_index", "from_timestamp", "to_timestamp")


@dataclass(frozen=True)
class VideoPlace:
    """Where the frames of one camera lie; `seconds` is None where the file holds this episode only."""

    file: str
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Episode:
    """Where an episode lies; `rows` is None where the data file holds this episode only."""

    name: str
    index: int = -1
    length: int = 0
    tasks: tuple[str, ...] = ()
    data_file: str = ""
    rows: tuple[int, int] | None = None
    videos: dict[str, VideoPlace] = field(default_factory=dict)
    fault: SourceError | None = None


@dataclass(frozen=True)
class Layout:
    """A dataset's metadata; `cameras` are its features of images and videos by name."""

    root: Path
    version: str
    fps_hz: float
    robot_type: str
    features: dict[str, Any]
    cameras: dict[str, dict[str, Any]]
    task_texts: dict[int, str]
    episodes: tuple[Episode, ...]


def read_layout(root: Path) -> Layout:
    """Read the metadata of a dataset.

    Raises:
        SourceError: The folder is no LeRobotDataset of a known version, or meta/info.json is damaged.
    """
    info = _read_info(root)
    features = info["features"]
    cameras = {key: f for key, f in features.items() if f.get("dtype") in {"image", "video"}}
    version = info["codebase_version"]
    texts = _tasks_v3(root) if version == "v3.0" else _tasks_v2(root)
    find = _episodes_v3 if version == "v3.0" else _episodes_v2
    episodes = tuple(find(root, info, texts))
    promised = info.get("total_episodes", len(episodes))
    if len(episodes) < promised:
        fault = SourceError(
            f"{root}/meta lists {len(episodes)} of {promised} episodes.",
            expected=f"{promised} episodes, as meta/info.json says",
            remedy=AGAIN,
        )
        episodes = (*episodes, Episode("episodes_not_listed", fault=fault))
    robot_type = str(info.get("robot_type") or "")
    return Layout(root, version, float(info["fps"]), robot_type, features, cameras, texts, episodes)


def _read_info(root: Path) -> dict[str, Any]:
    try:
        info = read_json(root / "meta/info.json")
    except StageError as error:
        raise SourceError(
            error.found,
            expected="a LeRobotDataset folder with meta/info.json",
            remedy="correct `raw_videos.sources.<name>.folder` in params.yaml.",
        ) from error
    version = info.get("codebase_version") if isinstance(info, dict) else None
    if version not in VERSIONS:
        raise SourceError(
            f"{root}/meta/info.json has codebase_version {version!r}.",
            expected=f"one of {', '.join(VERSIONS)}",
            remedy="convert the dataset with LeRobot's own scripts.",
        )
    fps, features = info.get("fps"), info.get("features")
    if not isinstance(fps, int | float) or fps <= 0 or not isinstance(features, dict):
        raise SourceError(
            f"{root}/meta/info.json: fps is {fps!r}, features is {type(features).__name__}.",
            expected="a positive rate and a table of features",
            remedy=AGAIN,
        )
    return info


def _episodes_v2(root: Path, info: dict[str, Any], texts: dict[int, str]) -> Iterator[Episode]:
    chunk_size = int(info.get("chunks_size", 1000))
    keys = [key for key, feature in info["features"].items() if feature.get("dtype") == "video"]
    for number, row in enumerate(_json_lines(root / "meta/episodes.jsonl")):
        if isinstance(row, SourceError):
            yield Episode(f"line_{number + 1:06d}", fault=row)
            continue
        try:
            index = int(row["episode_index"])
            names = {"episode_index": index, "episode_chunk": index // chunk_size}
            videos = {key: VideoPlace(info["video_path"].format(video_key=key, **names)) for key in keys}
            yield Episode(
                name=f"episode_{index:06d}",
                index=index,
                length=int(row["length"]),
                tasks=_texts(row.get("tasks"), texts),
                data_file=info["data_path"].format(**names),
                videos=videos,
            )
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            yield Episode(f"line_{number + 1:06d}", fault=_bad_entry(root, number, error))


def _episodes_v3(root: Path, info: dict[str, Any], texts: dict[int, str]) -> Iterator[Episode]:
    keys = [key for key, feature in info["features"].items() if feature.get("dtype") == "video"]
    columns = [*EPISODE_COLUMNS, *(f"videos/{key}/{name}" for key in keys for name in VIDEO_COLUMNS)]
    for path in sorted((root / "meta/episodes").glob("chunk-*/file-*.parquet")):
        try:
            relative = path.relative_to(root).as_posix()
            rows = pq.ParquetFile(inside(root, relative)).read(columns=columns).to_pylist()
        except (*PARQUET_ERRORS, SourceError) as error:
            yield Episode(f"{path.parent.name}_{path.stem}", fault=_unreadable(path, error))
            continue
        for number, row in enumerate(rows):
            try:
                yield _episode_v3(row, info, keys, texts)
            except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
                name = f"{path.parent.name}_{path.stem}_row_{number:06d}"
                yield Episode(name, fault=_bad_entry(root, number, error))


def _episode_v3(row: dict[str, Any], info: dict[str, Any], keys: list[str], texts: dict[int, str]) -> Episode:
    index = int(row["episode_index"])
    videos = {}
    for key in keys:
        chunk, file, *seconds = (row[f"videos/{key}/{name}"] for name in VIDEO_COLUMNS)
        name = info["video_path"].format(video_key=key, chunk_index=int(chunk), file_index=int(file))
        videos[key] = VideoPlace(name, (float(seconds[0]), float(seconds[1])))
    return Episode(
        name=f"episode_{index:06d}",
        index=index,
        length=int(row["length"]),
        tasks=_texts(row["tasks"], texts),
        data_file=info["data_path"].format(
            chunk_index=int(row["data/chunk_index"]), file_index=int(row["data/file_index"])
        ),
        rows=(int(row["dataset_from_index"]), int(row["dataset_to_index"])),
        videos=videos,
    )


def _texts(tasks: Any, texts: dict[int, str]) -> tuple[str, ...]:
    """The instructions of an episode; old datasets hold numbers of tasks instead of texts."""
    if isinstance(tasks, str):
        return (tasks,)
    return tuple(texts.get(task, "") if isinstance(task, int) else str(task) for task in tasks or ())


def _tasks_v2(root: Path) -> dict[int, str]:
    path = root / "meta/tasks.jsonl"
    rows = [row for row in _json_lines(path) if isinstance(row, dict)] if path.is_file() else []
    return {row["task_index"]: str(row.get("task", "")) for row in rows if "task_index" in row}


def _tasks_v3(root: Path) -> dict[int, str]:
    """Texts by number; the text is the table's pandas index, named `task` or, by old writers, not at all."""
    path = root / "meta/tasks.parquet"
    try:
        columns = pq.ParquetFile(inside(root, "meta/tasks.parquet")).read().to_pydict()
    except PARQUET_ERRORS as error:
        raise _unreadable(path, error) from error
    texts = next((columns[name] for name in ("task", "__index_level_0__") if name in columns), None)
    if texts is None or "task_index" not in columns:
        raise SourceError(
            f"{path} has the columns {sorted(columns)}.",
            expected="task (or __index_level_0__) and task_index",
            remedy=AGAIN,
        )
    return {int(number): str(text) for number, text in zip(columns["task_index"], texts, strict=True)}


def _json_lines(path: Path) -> Iterator[dict[str, Any] | SourceError]:
    """The objects of a .jsonl file; a line that is none is yielded as a fault."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        raise SourceError(f"{path} is missing.", expected="one line per entry", remedy=AGAIN) from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            row = error
        if isinstance(row, dict):
            yield row
        else:
            yield SourceError(
                f"{path}, line {number} is not a JSON object: {line[:60]!r}.",
                expected="one JSON object per line",
                remedy=AGAIN,
            )


def _bad_entry(root: Path, number: int, error: Exception) -> SourceError:
    return SourceError(
        f"{root}/meta: entry {number} of the episodes is damaged: {error!r}.",
        expected="episode_index, length, and the names and times of its files",
        remedy=AGAIN,
    )


def _unreadable(path: Path, error: Exception) -> SourceError:
    found = error.found if isinstance(error, SourceError) else f"{path} cannot be read: {error}."
    return SourceError(found, expected="a Parquet file of the dataset", remedy=AGAIN)
