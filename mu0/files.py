"""Writing that never leaves half a file, hashing, and the order of numbered files.

Everything is first written beside its goal under a temporary name and moved there in one step, so that a
killed process, a full disk or Ctrl-C leaves the old content or none. DVC may hold outputs as read-only hard
links into its cache: replacing a file is safe, editing it in place would corrupt the cache.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mu0.errors import SourceError, StageError
from mu0.text_files import load_json

CHUNK_BYTES = 1 << 20
MAX_NAME_BYTES = 120  # file systems take 255 (eCryptfs 143); names of several parts and endings need room
MAX_ENDING = 12
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")  # in a file's name; a point makes decimals
TWO_COUNTERS = re.compile(r"([0-9]+)\.([1-9][0-9]*|0)")
NameKey = tuple[tuple[int, str, str], ...]


def short_name(name: str, most_bytes: int = MAX_NAME_BYTES) -> str:
    """`name`, or its beginning and a hash of all of it where it has more bytes than `most_bytes`.

    The ending (`.png`) is kept. Names that agree in their beginning stay apart.
    """
    if len(name.encode(errors="surrogateescape")) <= most_bytes:
        return name
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem and len(ending) <= MAX_ENDING else (name, "")
    mark = "_" + hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:8]
    room = most_bytes - len((mark + ending).encode(errors="surrogateescape"))
    kept = stem.encode(errors="surrogateescape")[:room].decode(errors="ignore")
    return kept.rstrip(" ._-") + mark + ending


def _beside(goal: Path) -> str:
    """How the temporary names of `goal` begin; short enough that they exist wherever `goal` can."""
    return f".{short_name(goal.name)}."


@contextmanager
def atomic_file(goal: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `goal` when the block ends without an exception."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_beside(goal), suffix=goal.suffix, dir=goal.parent)
    os.close(handle)
    temporary = Path(name)
    temporary.chmod(0o644)
    try:
        yield temporary
        temporary.replace(goal)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(goal: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `goal` when the block ends without an exception."""
    goal.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=_beside(goal), dir=goal.parent))
    temporary.chmod(0o755)
    old = temporary.with_name(f"{temporary.name}.old")
    try:
        yield temporary
        if goal.exists():
            goal.replace(old)  # removing takes a while; nobody shall see half of it under the goal's name
        temporary.replace(goal)
    finally:
        for folder in (temporary, old):
            if folder.exists():
                shutil.rmtree(folder)


def write_json(goal: Path, content: Any) -> None:
    """Write `content` as indented JSON with sorted keys, so that equal content is equal bytes."""
    with atomic_file(goal) as temporary:
        temporary.write_text(
            json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8"
        )


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        StageError: The file is missing or is not JSON.
    """
    try:
        return load_json(path)
    except FileNotFoundError:
        raise StageError(
            f"{path} is missing.",
            expected="the JSON file that an earlier stage writes",
            remedy="run `mu0 run`, which builds what is missing.",
        ) from None
    except (ValueError, RecursionError) as error:
        raise StageError(
            f"{path} is not valid JSON: {error}.",
            expected="the JSON file that an earlier stage writes",
            remedy="delete it and run `mu0 run` again.",
        ) from error


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    """The paths by the numbers in their names, as a person orders them: 2 before 10, .25 before .5.

    A point between digits makes decimals, for that is how recorders write times. Where the whole part never
    changes and the digits behind it count without a gap (`take1.1` to `take1.12`) it only parts two numbers.
    """
    found = list(paths)
    parts = [piece for path in found for piece in NUMBER.findall(path.stem) if "." in piece]
    matched = [TWO_COUNTERS.fullmatch(piece) for piece in parts]
    counts = sorted(int(pair[2]) for pair in matched if pair)
    is_counted = bool(counts) and all(matched) and len({pair[1] for pair in matched if pair}) == 1
    is_counted = is_counted and counts == list(range(counts[0], counts[0] + len(counts)))
    return sorted(found, key=lambda path: (natural_key(path, has_decimals=not is_counted), path.name))


def natural_key(path: Path, *, has_decimals: bool = True) -> NameKey:
    """The sort key of `in_natural_order`; large and small letters are the same."""
    key: list[tuple[int, str, str]] = []
    place, stem = 0, path.stem.casefold()
    for match in (NUMBER if has_decimals else re.compile("[0-9]+")).finditer(stem):
        whole, _, decimals = match[0].partition(".")
        key += [(0, "", stem[place : match.start()]), (int(whole), decimals, "")]
        place = match.end()
    return (*key, (0, "", stem[place:]), (0, "", path.suffix.casefold()))


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def sha256_of_tree(folder: Path, leaving_out: frozenset[str] = frozenset()) -> str:
    """Hex digest over the relative names and contents of all files below `folder`, without some names."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in leaving_out):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def remembered_sha256_of_tree(folder: Path) -> str:
    """`sha256_of_tree` of a folder that never changes again; kept beside it as `<folder>.sha256`."""
    note = folder.with_name(f"{folder.name}.sha256")
    if not note.exists():
        with atomic_file(note) as temporary:
            temporary.write_text(sha256_of_tree(folder))
    return note.read_text()


def inside(root: Path, relative: str) -> Path:
    """`root / relative` for a name that data hold, refusing names that would leave `root`.

    Refused are absolute paths, paths with `..` that climb out, and links that lead outside (as the target or
    on the way to it). `root` itself may be a link: it was named by the user.

    Raises:
        SourceError: The path escapes.
    """
    try:
        leaves = not (root / relative).resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError):  # a ring of links, or a zero byte in the name
        leaves = True
    if leaves:
        plain = os.path.normpath(root / relative.replace("\0", ""))
        is_link = Path(plain).is_relative_to(os.path.normpath(root))
        raise SourceError(
            f"The name {relative!r} points outside {root}.",
            expected="a relative path that stays in its folder",
            remedy="put the file itself there instead of a link; `cp -rL` copies what links lead to."
            if is_link
            else "correct the metadata that holds this name.",
        )
    return root / relative
