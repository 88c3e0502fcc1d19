"""What every source of clips is: a class that lists items, each of which can write one clip.

The collector (`mu0.sources.collect`) asks a source for its items, skips those whose clip it has already
(equal fingerprint), and lets the others write. An item that fails becomes a row of the index with its reason;
the others go on. A reader therefore

    - is found by the `kind` of its section in params.yaml (`mu0.sources.registry`) and constructed as
      `Reader(name, params)`;
    - lists in `items()` everything that is or should be a clip, cheaply and in a fixed order. What is known
      to be broken is listed too, with its `fault`. A SourceError from `items()` itself means that the whole
      source is unusable (no such folder, no such dataset): it becomes a row, and the other sources go on;
    - decodes nothing before `write(folder)` is called, and ends there in
      `mu0.sources.clip.on_disk.write_clip`;
    - takes names from a dataset's metadata through `mu0.files.inside` only;
    - resolves its camera by `mu0.sources.calibration.resolve_camera`, so that no guess passes as a fact;
    - says in `ClipInfo.note` what it left out.
"""

import hashlib
import json
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mu0.errors import SourceError
from mu0.file_content import why_no_file
from mu0.files import sha256_of, short_name
from mu0.sources.clip.on_disk import Clip


@dataclass(frozen=True)
class SourceItem:
    """One candidate for a clip.

    Attributes:
        clip_id: Its folder's name, made by `safe_name`; unique within the source.
        fingerprint: A hash of everything in the source that the clip depends on (parameters and code are
            the collector's business); may raise a SourceError.
        write: Write the clip into this folder by `write_clip`; raises a SourceError where that is impossible.
        fault: Why it cannot become a clip, where that is known beforehand; `write` is then not called.
    """

    clip_id: str
    fingerprint: Callable[[], str]
    write: Callable[[Path], Clip]
    fault: SourceError | None = None


class AbstractSource(ABC):
    """A place that clips come from."""

    @abstractmethod
    def items(self) -> Iterator[SourceItem]:
        """Everything that is or should be a clip, in a fixed order.

        Raises:
            SourceError: The source as a whole cannot be read.
        """


def broken_item(clip_id: str, fault: SourceError) -> SourceItem:
    """An item of which it is known beforehand that it cannot become a clip."""

    def write(folder: Path) -> Clip:  # noqa: ARG001 - never called
        raise fault

    return SourceItem(clip_id, fingerprint=lambda: "", write=write, fault=fault)


def content_fingerprint(*paths: Path, **facts: Any) -> str:
    """A hash of the bytes of `paths` and of `facts`; a file shared by many items is read once.

    Raises:
        SourceError: A file is missing.
    """
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            raise SourceError(
                f"{path} {why_no_file(path) or 'is missing'}.",
                expected="a file that the dataset's metadata name",
                remedy="copy or download the dataset again.",
            ) from None
        digest.update(_content_hash(path, status.st_size, status.st_mtime_ns).encode())
    return digest.hexdigest()


@lru_cache(maxsize=4096)
def _content_hash(path: Path, size: int, changed_ns: int) -> str:  # noqa: ARG001 - part of the key
    return sha256_of(path)


def safe_name(*parts: str) -> str:
    """A name that is safe as a folder's everywhere: letters, digits, `_`, `-` and `.` inside, not too long.

    Several parts are joined by "__".
    """
    safe = (re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", part)).strip("._") for part in parts)
    return short_name("__".join(part or "unnamed" for part in safe))


def require_folder(folder: Path, what: str) -> Path:
    """`folder`, which must exist.

    Raises:
        SourceError: It does not; the message says that `what` was expected.
    """
    if not folder.is_dir():
        is_there = folder.is_symlink() or folder.exists()
        what_is = (why_no_file(folder) or "is a file, and no folder") if is_there else ""
        raise SourceError(
            f"{folder} {what_is}." if is_there else f"The folder {folder} does not exist.",
            expected=what,
            remedy="create it, or correct `raw_videos.sources.<name>.folder` in params.yaml.",
        )
    return folder
