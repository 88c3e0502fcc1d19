"""What a file is that is not what its name says: pointers, pages and archives that stand in for data.

A dataset that was cloned without its large files, a download that ended on a login page, a copy that was
preallocated and never filled: all of them have the right name and size enough to be tried, and every reader
would blame the wrong thing ("no video", "no Parquet file"). `stand_in` looks at the first bytes and says what
truly lies there.

Sources
    Git LFS pointers: git-lfs/docs/spec.md. git-annex pointers: its page "internals/pointer_file".
"""

import errno
import re
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 2048
LFS_HEAD = b"version https://git-lfs.github.com/spec/"
LFS_SIZE = re.compile(rb"^size (\d+)", re.MULTILINE)
ANNEX_HEADS = (b"/annex/objects/", b".git/annex/objects/")
WEB_HEADS = (b"<!doctype html", b"<html", b"<head")
XML_HEADS = (b"<?xml", b"<error>")
ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
}
PICTURES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG\r\n\x1a\n": "a PNG picture",
    b"BM": "a BMP picture",
    b"II*\x00": "a TIFF picture",
    b"MM\x00*": "a TIFF picture",
}
HEIF_BRANDS = (b"heic", b"heix", b"mif1", b"avif")


@dataclass(frozen=True)
class StandIn:
    """What a file is instead of data, as the end of a sentence, and what to do about it."""

    what: str
    remedy: str


def stand_in(path: Path) -> StandIn | None:
    """What lies at `path` in place of data; None where nothing speaks against the name.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if head.startswith(LFS_HEAD):
        size = LFS_SIZE.search(head)
        of = f" of a file of {int(size[1])} bytes" if size else ""
        return StandIn(f"is a Git LFS pointer{of}", "run `git lfs pull` in its repository.")
    if head.startswith(ANNEX_HEADS):
        return StandIn(
            "is a git-annex pointer, not the file itself", "run `git annex get` in its repository."
        )
    if head and not any(head) and _is_zeros(path):
        return StandIn(f"holds {path.stat().st_size} zero bytes", "copy or download the file again.")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(WEB_HEADS):
        return StandIn("is a web page", "download the file itself; a login or an error page looks like this.")
    if start.startswith(XML_HEADS):
        return StandIn("is an XML text", "download the file itself; an answer of a store looks like this.")
    return None


def other_kind(path: Path) -> StandIn | None:
    """The same, and archives and pictures: for readers that expect neither.

    Raises:
        OSError: The file cannot be read.
    """
    if found := stand_in(path):
        return found
    with path.open("rb") as stream:
        head = stream.read(16)
    for magic, what in ARCHIVES.items():
        if head.startswith(magic):
            return StandIn(f"is {what}", "unpack it, and name what was in it.")
    is_heif = head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS
    what = next((name for magic, name in PICTURES.items() if head.startswith(magic)), "a HEIF picture")
    if is_heif or what != "a HEIF picture":
        return StandIn(f"is {what}", "for a clip put the pictures of a recording into a folder of their own.")
    return None


def _is_zeros(path: Path) -> bool:
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            if any(piece):
                return False
    return True


def why_no_file(path: Path) -> str:
    """Why `path` cannot be read as a file, as the end of a sentence; empty where it can."""
    try:
        if path.is_file():
            with path.open("rb"):
                return ""
        if path.is_dir():
            return "is a folder"
        if path.is_symlink():
            return f"is a link to {path.readlink()}, where nothing is" + _ring(path)
        return "is a pipe, socket or device" if path.exists() else "is missing"
    except OSError as error:
        return f"may not be read: {error.strerror or error}"


def _ring(path: Path) -> str:
    try:
        path.stat()
    except OSError as error:
        return " (the links lead in a ring)" if error.errno == errno.ELOOP else ""
    return ""
