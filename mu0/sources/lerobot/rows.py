"""The rows of an episode in a LeRobotDataset's Parquet files: times, vectors, and images as columns."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float, Int, Shaped

from mu0.errors import SourceError
from mu0.file_content import why_no_file
from mu0.files import inside
from mu0.sources.faults import unreadable_file
from mu0.sources.lerobot.info import AGAIN
from mu0.sources.lerobot.layout import PARQUET_ERRORS
from mu0.sources.lerobot.places import Episode

IMAGES_PER_BATCH = 16
EVEN_TOLERANCE = 0.1  # of a period: float32 time stamps, not a variable rate

T = TypeVar("T")


@dataclass(frozen=True)
class EpisodeRows:
    """`length` rows of the Parquet file `path`, from row `first` on; `root` is the dataset's folder."""

    root: Path
    path: Path
    first: int
    length: int

    def columns(self) -> list[str]:
        """The names of the file's columns.

        Raises:
            SourceError: The file is damaged.
        """
        return list(_reading(self.path, lambda: pq.ParquetFile(self.path)).schema_arrow.names)

    def hash_of(self, name: str) -> str:
        """A hash of this episode's values of a column, images included; raises as `column`."""
        digest = hashlib.sha256()
        for _, batch in self._batches(name, IMAGES_PER_BATCH):
            digest.update(repr(batch.column(0).to_pylist()).encode())
        return digest.hexdigest()

    def column(self, name: str) -> Shaped[np.ndarray, "length *size"]:
        """A column of numbers or vectors.

        Raises:
            SourceError: The column is missing or ragged, or the file is damaged.
        """
        pieces = [batch.column(0) for _, batch in self._batches(name, 1 << 16)]
        array = pa.chunked_array(pieces).combine_chunks()
        values = array.flatten() if pa.types.is_nested(array.type) else array
        numbers = values.to_numpy(zero_copy_only=False)
        if numbers.dtype == object or len(array) == 0 or len(numbers) % len(array):
            raise SourceError(
                f"{self.path}: the column {name} holds {array.type}.",
                expected="numbers, or vectors of one length",
                remedy=AGAIN,
            )
        return numbers.reshape(len(array), -1) if pa.types.is_nested(array.type) else numbers

    def seconds(self, fps_hz: float) -> Float[np.ndarray, " length"]:
        """Time of each frame after the first one, from the rows' time stamps.

        Raises:
            SourceError: As `column`, or the times do not increase.
        """
        times_s = self.column("timestamp").astype(np.float64).reshape(-1)
        times_s = times_s - times_s[0]
        if not np.isfinite(times_s).all() or (np.diff(times_s) <= 0).any():
            raise SourceError(
                f"{self.path}: the time stamps of rows {self.first} to {self.first + self.length - 1} do not "
                "increase.",
                expected=f"steps of 1/{fps_hz:g} s",
                remedy=AGAIN,
            )
        even_s = np.arange(self.length) / fps_hz
        return even_s if np.abs(times_s - even_s).max() < EVEN_TOLERANCE / fps_hz else times_s

    def images(self, key: str, flags: int) -> Iterator[Shaped[np.ndarray, "h w *channels"]]:
        """Decode images of a column {bytes, path} by OpenCV, a few in memory at a time.

        Raises:
            SourceError: As `column`, or an image is missing or damaged.
        """
        for row, batch in self._batches(key, IMAGES_PER_BATCH):
            for number, cell in enumerate(batch.column(0).to_pylist(), row):
                yield _decode(self.root, cell, flags, f"{self.path}, row {number}, {key}")

    def _batches(self, name: str, size: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """The episode's rows of one column, with the number of each batch's first row."""
        file = _reading(self.path, lambda: pq.ParquetFile(self.path))
        if name not in file.schema_arrow.names:
            raise SourceError(
                f"{self.path} has no column {name}.",
                expected=f"one of {', '.join(file.schema_arrow.names)}",
                remedy=AGAIN,
            )
        begin, last = 0, self.first + self.length
        for group in range(file.num_row_groups):
            end = begin + file.metadata.row_group(group).num_rows
            if end > self.first and begin < last:
                batches = file.iter_batches(size, row_groups=[group], columns=[name])
                row = begin
                while (batch := _reading(self.path, lambda: next(batches, None))) is not None:  # noqa: B023
                    low, high = max(row, self.first), min(row + batch.num_rows, last)
                    if low < high:
                        yield low, batch.slice(low - row, high - low)
                    row += batch.num_rows
            begin = end


def open_rows(root: Path, episode: Episode) -> EpisodeRows:
    """Find the rows of an episode.

    Raises:
        SourceError: The file is missing or damaged, or holds another number of rows than the metadata say.
    """
    path = inside(root, episode.data_file)
    if not path.is_file():
        raise SourceError(
            f"{path} {why_no_file(path)}.", expected=f"the rows of {episode.name}", remedy=AGAIN
        )
    first = 0
    if episode.rows is None:
        n_rows = _reading(path, lambda: pq.ParquetFile(path).metadata.num_rows)
    else:
        status = path.stat()
        index = _reading(path, lambda: _index_column(path, status.st_size, status.st_mtime_ns))
        found = np.flatnonzero((index >= episode.rows[0]) & (index < episode.rows[1]))
        n_rows = int(found.size)
        first = int(found[0]) if n_rows else 0
    if n_rows != episode.length or n_rows == 0:
        raise SourceError(
            f"{path} holds {n_rows} rows of {episode.name}.",
            expected=f"{episode.length} rows, as the metadata say, and at least one",
            remedy=AGAIN,
        )
    found_rows = EpisodeRows(root, path, first, n_rows)
    if episode.rows is not None:
        _require_own(found_rows, episode)
    return found_rows


def _require_own(rows: EpisodeRows, episode: Episode) -> None:
    """Rows of a shared file say whose they are; those of another episode are not taken."""
    if "episode_index" not in rows.columns():
        return
    owners = np.unique(rows.column("episode_index"))
    if owners.tolist() != [episode.index]:
        raise SourceError(
            f"{rows.path}: the rows of {episode.name} say that they belong to {owners.tolist()}.",
            expected=f"episode_index {episode.index} in rows {episode.rows}",
            remedy=AGAIN,
        )


@lru_cache(maxsize=8)
def _index_column(path: Path, size: int, changed_ns: int) -> Int[np.ndarray, " rows"]:  # noqa: ARG001 the key
    return pq.ParquetFile(path).read(columns=["index"]).column("index").to_numpy()


def _reading(path: Path, read: Callable[[], T]) -> T:
    try:
        return read()
    except PARQUET_ERRORS as error:
        raise unreadable_file(path, error, "a Parquet file of the dataset", AGAIN) from error


def _decode(root: Path, cell: Any, flags: int, place: str) -> Shaped[np.ndarray, "h w *channels"]:
    content: bytes | None = cell.get("bytes") if isinstance(cell, dict) else None
    if content is None and isinstance(cell, dict) and cell.get("path"):
        path = inside(root, cell["path"])
        content = path.read_bytes() if path.is_file() else None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    if image is None:
        raise SourceError(
            f"{place}: the image is {'missing' if not content else 'damaged'}.",
            expected="the bytes of a PNG or JPEG, or a path to one inside the dataset",
            remedy=AGAIN,
        )
    return image
