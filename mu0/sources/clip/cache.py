"""Finished clips by content, outside of DVC's outputs, so that an interrupted collection goes on later.

DVC empties a stage's outputs before it runs the stage. Clips are therefore made in `.mu0_cache/clips/<key>/`
and linked into the output at the end. The key is a hash of everything a clip depends on: its source's
parameters and number (or a file's bytes), the code that makes it, and the versions of the libraries it uses.

    <key>/clip/      the clip folder
    <key>/truth.npz  exact tracks, simulated clips only
    <key>/facts.json what the index tells beside clip.json
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2]
CODE_SUFFIXES = frozenset({".py", ".xml"})
LIBRARIES = ("av", "mujoco", "numpy", "opencv-python-headless")
CLIP_CODE = (
    "file_content.py",
    "text_files.py",
    "sources/faults.py",
    *(f"sources/clip/{name}.py" for name in ("on_disk", "checks", "info", "plausible")),
    *(
        f"sources/containers/{name}.py"
        for name in (
            "opening",
            "encoding",
            "ranges",
            "stamps",
            "streams",
            "timing",
            "unreadable",
            "upright",
            "video",
        )
    ),
)
SIMULATION_CODE = ("envs", "sources/simulated.py", "sources/recording.py", *CLIP_CODE)


def cache_key(facts: dict[str, Any], code: Iterable[str]) -> str:
    """The key of a clip that is made from `facts` by `code` (patterns of files and folders below mu0/)."""
    return next(cache_keys([facts], code))


def cache_keys(facts: Iterable[dict[str, Any]], code: Iterable[str]) -> Iterator[str]:
    """The keys of many clips; code and versions are read once, for that takes longer than all the hashing."""
    libraries = {name: _version(name) for name in LIBRARIES}
    content = _content_of(code)
    for each in facts:
        told = json.dumps({**each, "libraries": libraries}, sort_keys=True, default=str)
        yield hashlib.sha256(told.encode() + content).hexdigest()


def _content_of(code: Iterable[str]) -> bytes:
    paths = sorted({path for pattern in code for path in PACKAGE.glob(pattern)})
    files = (file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]))
    return b"".join(
        f"\0{file.relative_to(PACKAGE).as_posix()}\0".encode() + file.read_bytes()
        for file in files
        if file.suffix in CODE_SUFFIXES
    )


@contextmanager
def only_collector(cache: Path, *outputs: Path) -> Iterator[None]:
    """Be the only process that collects into `cache`: wait for another one, and clear what a killed one left.

    The lock is the kernel's: it is free the moment its owner dies.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with cache.with_name(f"{cache.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        unfinished = [
            *cache.glob(".*"),
            *(left for goal in outputs for left in goal.parent.glob(f".{goal.name}.*")),  # of short names
        ]
        for left in unfinished:
            if left.is_dir():
                shutil.rmtree(left)
        yield


def link_tree(folder: Path, goal: Path) -> None:
    """Make `goal` a copy of `folder` from hard links; true copies where the file system has none."""
    for path in sorted(folder.rglob("*")):
        target = goal / path.relative_to(folder)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            link_file(path, target)


def link_file(path: Path, goal: Path) -> None:
    """Make `goal` the same file as `path`, or a copy where the file system has no hard links."""
    try:
        goal.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, goal)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
