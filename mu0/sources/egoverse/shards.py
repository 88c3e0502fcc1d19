"""Which frames of an EgoVerse image array are stored: the index of a Zarr v3 shard, read by hand.

Zarr gives an empty byte string for a chunk that is missing, and no way to ask beforehand. EgoVerse stores one
JPEG per chunk, so that a missing chunk is a missing frame, and a list of episodes should not read all images
to find it. The index tells it in 16 bytes per frame:

    <array>/c/<shard>    chunks in any order, and at the end (or beginning, `index_location`) the index:
                         per chunk uint64 offset, uint64 length (both 2^64 - 1: the chunk is missing),
                         then uint32 CRC-32C of these bytes; all little-endian
    <array>/c/<chunk>    arrays without sharding: one file per chunk

Source: zarr-specs, v3.0 core and codecs/sharding-indexed v1.0.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from mu0.errors import SourceError
from mu0.files import inside
from mu0.sources.containers.crc32c import crc32c
from mu0.text_files import load_json

ENTRY_BYTES = 16
CRC_BYTES = 4
COPY_AGAIN = "download this episode again."


@dataclass(frozen=True)
class ArrayLayout:
    """How a one-dimensional array is cut into files and chunks.

    Attributes:
        folder: The array's folder.
        n_entries: Its length; it may be longer than the episode, because writers fill up the last shard.
        file_entries: Entries per file.
        chunk_entries: Entries per chunk; equal to `file_entries` without sharding.
        index_at_end: Where the index of a shard lies.
        has_crc: The index ends in a checksum.
    """

    folder: Path
    n_entries: int
    file_entries: int
    chunk_entries: int
    index_at_end: bool
    has_crc: bool


def read_layout(folder: Path) -> ArrayLayout:
    """Read an array's zarr.json.

    Raises:
        SourceError: It is missing, damaged, or describes something else than a one-dimensional array.
    """
    path = inside(folder, "zarr.json")
    try:
        content = load_json(path)
        (n_entries,) = content["shape"]
        (file_entries,) = content["chunk_grid"]["configuration"]["chunk_shape"]
        sharding = next((c for c in content["codecs"] if c["name"] == "sharding_indexed"), None)
        options = {} if sharding is None else sharding["configuration"]
        (chunk_entries,) = options.get("chunk_shape", [file_entries])
        return ArrayLayout(
            folder,
            int(n_entries),
            int(file_entries),
            int(chunk_entries),
            index_at_end=options.get("index_location", "end") == "end",
            has_crc=any(codec["name"] == "crc32c" for codec in options.get("index_codecs", [])),
        )
    except FileNotFoundError:
        raise SourceError(
            f"{path} is missing.", expected="an array of JPEG frames in Zarr v3", remedy=COPY_AGAIN
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{path} does not describe an array of frames: {error!r}.",
            expected="Zarr v3 metadata of a one-dimensional array",
            remedy=COPY_AGAIN,
        ) from error


def stored_frames(layout: ArrayLayout, n_frames: int) -> Bool[np.ndarray, " frames"]:
    """Which of the first `n_frames` entries have a chunk on disk.

    Raises:
        SourceError: A shard is cut off, or its index does not match its checksum.
    """
    stored = np.zeros(math.ceil(layout.n_entries / layout.file_entries) * layout.file_entries, bool)
    for first in range(0, min(n_frames, layout.n_entries), layout.file_entries):
        path = inside(layout.folder, f"c/{first // layout.file_entries}")
        if not path.is_file():
            continue
        chunks = np.ones(1, bool)
        if layout.chunk_entries != layout.file_entries:
            chunks = _read_index(path, layout)
        stored[first : first + layout.file_entries] = np.repeat(chunks, layout.chunk_entries)
    return stored[:n_frames]


def _read_index(path: Path, layout: ArrayLayout) -> Bool[np.ndarray, " chunks"]:
    """Which chunks of a shard exist."""
    n_chunks = layout.file_entries // layout.chunk_entries
    crc_bytes = CRC_BYTES if layout.has_crc else 0
    n_bytes = n_chunks * ENTRY_BYTES + crc_bytes
    size = path.stat().st_size
    if size < n_bytes:
        raise SourceError(
            f"{path} is cut off: it has {size} bytes, its index alone {n_bytes}.",
            expected=f"a shard of {n_chunks} chunks",
            remedy=COPY_AGAIN,
        )
    with path.open("rb") as stream:
        stream.seek(size - n_bytes if layout.index_at_end else 0)
        index = stream.read(n_bytes)
    body, checksum = index[: n_chunks * ENTRY_BYTES], index[n_chunks * ENTRY_BYTES :]
    if layout.has_crc and crc32c(body) != int.from_bytes(checksum, "little"):
        raise SourceError(
            f"{path}: its index does not match its CRC-32C.",
            expected="the bytes that were written; a cut-off download looks like this",
            remedy=COPY_AGAIN,
        )
    entries = np.frombuffer(body, "<u8").reshape(n_chunks, 2)
    return (entries != np.iinfo(np.uint64).max).any(axis=1)
