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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mu0.errors import SourceError
from mu0.file_content import why_no_file
from mu0.files import inside
from mu0.sources.faults import unreadable_file
from mu0.sources.lerobot.info import AGAIN, read_info
from mu0.sources.lerobot.overlaps import without_overlaps
from mu0.sources.lerobot.places import Episode, VideoPlace
from mu0.text_files import read_text

PARQUET_ERRORS = (pa.ArrowException, OSError, ValueError, KeyError)
EPISODE_COLUMNS = (
    "episode_index", "length", "tasks", "data/chunk_index", "data/file_index",
    "dataset_from_index", "dataset_to_index",
)  # fmt: skip
V2_KEYS = ("episode_index", "length", "tasks")
VIDEO_COLUMNS = ("chunk_index", "file_index", "from_timestamp", "to_timestamp")


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
    info = read_info(root)
    features = info["features"]
    cameras = {key: f for key, f in features.items() if f.get("dtype") in {"image", "video"}}
    version = info["codebase_version"]
    texts = _tasks_v3(root) if version == "v3.0" else _tasks_v2(root)
    find = _episodes_v3 if version == "v3.0" else _episodes_v2
    episodes = tuple(without_overlaps(find(root, info, texts), float(info["fps"])))
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
                facts={key: value for key, value in row.items() if key not in V2_KEYS},
            )
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            yield Episode(f"line_{number + 1:06d}", fault=_bad_entry(root, number, error))


def _episodes_v3(root: Path, info: dict[str, Any], texts: dict[int, str]) -> Iterator[Episode]:
    keys = [key for key, feature in info["features"].items() if feature.get("dtype") == "video"]
    columns = [*EPISODE_COLUMNS, *(f"videos/{key}/{name}" for key in keys for name in VIDEO_COLUMNS)]
    for path in sorted((root / "meta/episodes").glob("chunk-*/file-*.parquet")):
        try:
            relative = path.relative_to(root).as_posix()
            file = pq.ParquetFile(inside(root, relative))
            facts = _fact_columns(file.schema_arrow)
            rows = file.read(columns=[*columns, *facts]).to_pylist()
        except (*PARQUET_ERRORS, SourceError) as error:
            yield Episode(f"{path.parent.name}_{path.stem}", fault=_unreadable(path, error))
            continue
        for number, row in enumerate(rows):
            try:
                told = {name: row.pop(name) for name in facts}
                yield replace(_episode_v3(row, info, keys, texts), facts=told)
            except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
                name = f"{path.parent.name}_{path.stem}_row_{number:06d}"
                yield Episode(name, fault=_bad_entry(root, number, error))


def _fact_columns(schema: pa.Schema) -> list[str]:
    """Columns of plain values that the format does not know; its own have a slash, or are listed above."""
    return [
        item.name
        for item in schema
        if item.name not in EPISODE_COLUMNS and "/" not in item.name and not pa.types.is_nested(item.type)
    ]


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
    return {
        row["task_index"]: str(row.get("task") or "") for row in rows if _is_number(row.get("task_index"))
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


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
    try:
        return {int(number): str(text) for number, text in zip(columns["task_index"], texts, strict=True)}
    except (TypeError, ValueError) as error:
        raise _unreadable(path, error) from error


def _json_lines(path: Path) -> Iterator[dict[str, Any] | SourceError]:
    """The objects of a .jsonl file; a line that is none is yielded as a fault."""
    try:
        found = read_text(path)
    except OSError:
        fault = f"{path} {why_no_file(path)}."
        raise SourceError(fault, expected="one line per entry", remedy=AGAIN) from None
    if found.note and not found.text:
        raise SourceError(f"{path.parent}/{found.note}.", expected="JSON lines in UTF-8", remedy=AGAIN)
    lines = found.text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
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
    if isinstance(error, SourceError):
        return SourceError(error.found, expected="a Parquet file of the dataset", remedy=AGAIN)
    return unreadable_file(path, error, "a Parquet file of the dataset", AGAIN)
