"""Why a file is no video that can be read: said by what lies there, never by what happened to fail first."""

from pathlib import Path

from mu0.errors import SourceError
from mu0.file_content import other_kind

CONTAINER_BOXES = 64


def unreadable(path: Path, error: Exception, suffixes: frozenset[str]) -> SourceError:
    """The error for a file that FFmpeg refused with `error`; `suffixes`: what would have been a video."""
    expected = f"a video file ({', '.join(sorted(suffixes))})"
    if found := other_kind(path):
        return SourceError(f"{path} {found.what}.", expected=expected, remedy=found.remedy)
    n_bytes = path.stat().st_size
    boxes = _boxes(path, n_bytes)
    if not boxes:
        return SourceError(
            f"{path} is not a video that FFmpeg can read: {error}.",
            expected=expected,
            remedy="remove the file, or convert it to mp4.",
        )
    if "moov" not in boxes and "moof" not in boxes:
        return SourceError(
            f"{path} ({n_bytes} bytes) starts like an mp4 but has no readable index (moov).",
            expected="a complete recording; cameras write the index when the recording ends",
            remedy="copy or record the file again; tools such as `untrunc` can rebuild the index.",
        )
    missing = boxes.get("", 0)
    if missing:
        return SourceError(
            f"{path} ({n_bytes} bytes) is cut off: its last part lacks {missing} bytes.",
            expected="a complete mp4",
            remedy="copy or record the file again.",
        )
    return SourceError(
        f"{path} is an mp4 with an index, but FFmpeg cannot read it: {error}.",
        expected="an mp4 that plays in a player",
        remedy="convert it with `ffmpeg -i IN OUT.mp4`, or record it again.",
    )


def _boxes(path: Path, n_bytes: int) -> dict[str, int]:
    """The outer boxes of an mp4 and their sizes; under "" what the last one lacks. Empty: no mp4.

    ISO/IEC 14496-12, 4.2: size (4 bytes, big-endian, with itself), type; size 1: 8 more bytes hold it, size
    0: up to the end of the file.
    """
    boxes: dict[str, int] = {}
    with path.open("rb") as stream:
        place = 0
        while place + 8 <= n_bytes and len(boxes) < CONTAINER_BOXES:
            stream.seek(place)
            head = stream.read(16)
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if not boxes and kind != b"ftyp":
                return {}
            size = int.from_bytes(head[8:16], "big") if size == 1 else size or n_bytes - place
            if size < 8:
                break
            place += size
            if place > n_bytes:  # this box is not whole, so it is not there
                boxes[""] = place - n_bytes
            else:
                boxes[kind.decode("latin-1")] = size
    return boxes
