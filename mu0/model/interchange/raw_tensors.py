"""safetensors files as bytes: read what is in them, and copy them under other names.

Tensors are copied as bytes and never decoded, so a renamed file holds exactly the same numbers in the same
types and order, renaming back gives back the very file, and memory stays at a few megabytes for a model of
any size.

Format
    8 bytes   length of the header, little endian
    header    JSON: name -> dtype, shape, [begin, end) in what follows; "__metadata__" -> texts; padded with
              spaces to a multiple of 8
    data      the tensors, without gaps

Source: the safetensors specification (github.com/huggingface/safetensors).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mu0.errors import CheckpointError

LENGTH_BYTES = 8
METADATA = "__metadata__"
CHUNK_BYTES = 1 << 24
ELEMENT_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2, "I16": 2, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies and what it is."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class TensorFile:
    """A safetensors file without its data."""

    path: Path
    tensors: dict[str, StoredTensor]  # in the order of the data
    metadata: dict[str, str] | None
    data_start: int


def read_tensor_file(path: Path) -> TensorFile:
    """Read and check the header.

    Raises:
        CheckpointError: The file is missing, cut off, or not safetensors.
    """
    if not path.is_file():
        raise _unusable(path, "is missing")
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if not 0 < length <= size - LENGTH_BYTES:
            raise _unusable(path, f"has {size} bytes and a header of {length}")
        try:
            header = json.loads(file.read(length))
            metadata = header.pop(METADATA, None)
            tensors = {name: _entry(entry) for name, entry in header.items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unusable(path, f"has an unreadable header ({error})") from error
    ordered = dict(sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].end)))
    data_start = LENGTH_BYTES + length
    _check_extent(path, ordered, size - data_start)
    return TensorFile(path, ordered, metadata, data_start)


def _entry(entry: Mapping[str, Any]) -> StoredTensor:
    begin, end = entry["data_offsets"]
    return StoredTensor(entry["dtype"], tuple(entry["shape"]), begin, end)


def _check_extent(path: Path, tensors: Mapping[str, StoredTensor], n_bytes: int) -> None:
    position = 0
    for name, tensor in tensors.items():
        wanted = ELEMENT_BYTES.get(tensor.dtype, 0)
        for size in tensor.shape:
            wanted *= size
        if tensor.begin != position or tensor.end - tensor.begin != wanted:
            raise _unusable(path, f"puts {name} ({tensor.dtype} {list(tensor.shape)}) where it cannot be")
        position = tensor.end
    if position != n_bytes:
        raise _unusable(path, f"holds {n_bytes} bytes of data instead of {position}")


def copy_renamed(source: TensorFile, goal: Path, names: Mapping[str, str]) -> None:
    """Write the same tensors under other names.

    Args:
        source: What to copy.
        goal: The new file.
        names: New name of every tensor.
    """
    assert set(names) == set(source.tensors), "every tensor needs a name"
    assert len(set(names.values())) == len(names), "two tensors of one name"
    header: dict[str, Any] = {} if source.metadata is None else {METADATA: source.metadata}
    for name, tensor in source.tensors.items():
        header[names[name]] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [tensor.begin, tensor.end],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    with source.path.open("rb") as old, goal.open("wb") as new:
        new.write(len(text).to_bytes(LENGTH_BYTES, "little"))
        new.write(text)
        old.seek(source.data_start)
        _copy(old, new)


def _copy(old: BinaryIO, new: BinaryIO) -> None:
    while chunk := old.read(CHUNK_BYTES):
        new.write(chunk)


def _unusable(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"{path} {what}.",
        expected="a complete safetensors file",
        remedy="download or copy the file again; `ls -l` should show the size that its origin states.",
    )
