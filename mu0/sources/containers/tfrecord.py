"""TFRecord files and the tf.train.Example messages in them, read without TensorFlow and without protobuf.

A TFRecord file is a row of frames; all numbers are little-endian:

    uint64 length | uint32 masked CRC-32C of the length | `length` bytes | uint32 masked CRC-32C of the bytes

Both checksums are verified: the first when records are listed, the second when a record is read. Listing hops
from header to header, so a file of gigabytes is listed in milliseconds and a cut-off file still gives the
records before the cut.

A record holds one message `Example`. Of protobuf's wire format only what this message needs is read:

    Example { features = 1 }   Features { map<string, Feature> feature = 1 }   entry { key = 1, value = 2 }
    Feature { bytes_list = 1 | float_list = 2 | int64_list = 3 }, each { repeated value = 1 }, packed or not

Sources
    Frames: tensorflow/core/lib/io/record_writer.h. Messages: tensorflow/core/example/{example,feature}.proto.
    CRC-32C (Castagnoli): RFC 3720, appendix B.4.
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Int64

from mu0.errors import SourceError
from mu0.file_content import stand_in, why_no_file
from mu0.sources.containers.crc32c import crc32c

HEADER_BYTES = 12
FOOTER_BYTES = 4
MASK_DELTA = 0xA282EAD8
MAX_VARINT_BITS = 70
VARINT, FIXED64, LENGTH_DELIMITED, FIXED32 = 0, 1, 2, 5
COPY_AGAIN = "download or copy this file again."

Feature: TypeAlias = list[bytes] | Float32[np.ndarray, " values"] | Int64[np.ndarray, " values"]


@dataclass(frozen=True)
class RecordSpan:
    """Where one record lies: its header begins at `offset`, its content has `length` bytes."""

    path: Path
    offset: int
    length: int
    masked_crc: int


@dataclass(frozen=True)
class RecordList:
    """The complete records of a file, and what is wrong behind them (None where nothing is)."""

    spans: tuple[RecordSpan, ...]
    fault: SourceError | None


def masked_crc32c(content: bytes) -> int:
    """The checksum as TFRecord stores it: rotated and shifted, so that checksums of checksums differ."""
    crc = crc32c(content)
    return (((crc >> 15) | (crc << 17)) + MASK_DELTA) & 0xFFFFFFFF


def list_records(path: Path) -> RecordList:
    """Find the records of a file from their headers, without reading their contents.

    Raises:
        SourceError: The file is missing. Damage is no exception but the list's `fault`.
    """
    if missing := why_no_file(path):
        raise SourceError(
            f"{path} {missing}.", expected="a TFRecord file", remedy="download or copy this file."
        )
    if other := stand_in(path):
        fault = SourceError(f"{path} {other.what}.", expected="a TFRecord file", remedy=other.remedy)
        return RecordList((), fault)
    spans: list[RecordSpan] = []
    size = path.stat().st_size
    with path.open("rb") as stream:
        offset = 0
        while offset < size:
            stream.seek(offset)
            header = stream.read(HEADER_BYTES)
            end = offset + HEADER_BYTES
            if len(header) == HEADER_BYTES:
                length, found = struct.unpack("<QI", header)
                if found != masked_crc32c(header[:8]):
                    return RecordList(tuple(spans), _bad_crc(path, offset, "length", len(spans)))
                end += length + FOOTER_BYTES
            if len(header) < HEADER_BYTES or end > size:
                return RecordList(tuple(spans), _truncated(path, offset, end, size))
            stream.seek(end - FOOTER_BYTES)
            (crc,) = struct.unpack("<I", stream.read(FOOTER_BYTES))
            spans.append(RecordSpan(path, offset, length, crc))
            offset = end
    return RecordList(tuple(spans), None)


def read_record(span: RecordSpan) -> bytes:
    """The content of a record, checked against its checksum.

    Raises:
        SourceError: The checksum differs, or the file has changed since it was listed.
    """
    with span.path.open("rb") as stream:
        stream.seek(span.offset + HEADER_BYTES)
        content = stream.read(span.length)
    if len(content) != span.length:
        end = span.offset + HEADER_BYTES + span.length + FOOTER_BYTES
        raise _truncated(span.path, span.offset, end, span.path.stat().st_size)
    if masked_crc32c(content) != span.masked_crc:
        raise _bad_crc(span.path, span.offset, "content", None)
    return content


def parse_example(content: bytes, wanted: Collection[str] | None = None) -> dict[str, Feature]:
    """The features of a tf.train.Example.

    Args:
        content: A serialized Example.
        wanted: Names to decode; others are skipped without being decoded. None decodes all.

    Returns:
        Per name a list of byte strings, an array of float32, or an array of int64; empty features are lists.

    Raises:
        ValueError: The bytes are no such message.
    """
    found: dict[str, Feature] = {}
    view = memoryview(content)
    for features in _submessages(view, 1):
        for entry in _submessages(features, 1):
            name = b"".join(bytes(value) for value in _submessages(entry, 1)).decode()
            if wanted is None or name in wanted:
                values = list(_submessages(entry, 2))
                found[name] = _feature(values[-1]) if values else []
    return found


def _feature(view: memoryview) -> Feature:
    """Decode a message `Feature`; of several lists the last one counts, as in protobuf's `oneof`."""
    result: Feature = []
    for number, _, value in _fields(view):
        if number == 1:
            result = [bytes(item) for item in _submessages(value, 1)]
        elif number == 2:
            parts = [
                np.frombuffer(item, "<f4")
                for _, kind, item in _fields(value)
                if kind in {FIXED32, LENGTH_DELIMITED}
            ]
            result = np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)
        elif number == 3:
            result = np.fromiter(_integers(value), np.int64)
    return result


def _integers(view: memoryview) -> Iterator[int]:
    for _, kind, value in _fields(view):
        if kind == VARINT:
            yield _signed(value)
            continue
        position = 0
        while position < len(value):
            number, position = _varint(value, position)
            yield _signed(number)


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


def _submessages(view: memoryview, wanted: int) -> Iterator[memoryview]:
    """The length-delimited fields with number `wanted`."""
    for number, kind, value in _fields(view):
        if number == wanted and kind == LENGTH_DELIMITED:
            yield value


def _fields(view: memoryview) -> Iterator[tuple[int, int, Any]]:
    """Field number, wire type and value (an int for varints, else the bytes) of each field of a message."""
    position = 0
    while position < len(view):
        key, position = _varint(view, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _varint(view, position)
            yield number, kind, value
            continue
        if kind == LENGTH_DELIMITED:
            length, position = _varint(view, position)
        elif kind in {FIXED32, FIXED64}:
            length = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind} of field {number} at byte {position}")
        if position + length > len(view):
            raise ValueError(f"field {number} ends {position + length - len(view)} bytes behind its message")
        yield number, kind, view[position : position + length]
        position += length


def _varint(view: memoryview, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if position >= len(view) or shift >= MAX_VARINT_BITS:
            raise ValueError(f"a varint that does not end at byte {position}")
        byte = view[position]
        number |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, position
        shift += 7


def _truncated(path: Path, offset: int, end: int, size: int) -> SourceError:
    return SourceError(
        f"{path} is cut off: the record at byte {offset} needs {end} bytes, the file has {size}.",
        expected="complete records; those before the cut are used",
        remedy=COPY_AGAIN,
    )


def _bad_crc(path: Path, offset: int, part: str, n_before: int | None) -> SourceError:
    lost = "" if n_before is None else f" (after {n_before} records; the rest of the file cannot be found)"
    return SourceError(
        f"{path}: the {part} of the record at byte {offset} does not match its CRC-32C{lost}.",
        expected="the bytes that were written",
        remedy=COPY_AGAIN,
    )
