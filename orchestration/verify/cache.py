"""DVC's cache: each object is called by the md5 of its bytes, so each can be checked by itself.

    .dvc/cache/files/md5/7f/3a…        a file
    .dvc/cache/files/md5/c2/19….dir    the list of a folder: [{"md5": …, "relpath": …}, …]

DVC itself trusts a read-only object without looking (dvc_data's `is_protected`), and with hard links a file
of the working tree *is* the object.

Source
    dvc 3.67, dvc-data 3.18: `HashFileDB.oid_to_path`, `Tree`.
"""

import configparser
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PIECE_BYTES = 1 << 20
DIR = ".dir"
MD5_LENGTH = 32
MOVED_ASIDE = Path(".dvc/damaged")


@dataclass
class Hasher:
    """md5 of files, each inode once: a hard link into the cache is not read twice."""

    known: dict[tuple[int, int], str] = field(default_factory=dict)

    def md5(self, path: Path) -> str:
        """Hex digest of the bytes, read now unless a link to the same bytes was read before."""
        status = path.stat()
        key = (status.st_dev, status.st_ino)
        if key not in self.known:
            digest = hashlib.md5(usedforsecurity=False)
            with path.open("rb") as stream:
                while piece := stream.read(PIECE_BYTES):
                    digest.update(piece)
            self.known[key] = digest.hexdigest()
        return self.known[key]


@dataclass(frozen=True)
class Cache:
    """The objects of one project."""

    folder: Path

    @classmethod
    def of(cls, root: Path) -> "Cache":
        """The cache that `.dvc/config` and `.dvc/config.local` name; `.dvc/cache` by default."""
        chosen = Path("cache")
        for name in ("config", "config.local"):
            config = configparser.ConfigParser(interpolation=None)
            config.read(root / ".dvc" / name)
            chosen = Path(config.get("cache", "dir", fallback=str(chosen)).strip().strip('"'))
        return cls(root / ".dvc" / chosen / "files" / "md5")

    def path(self, md5: str) -> Path:
        """Where the object of an md5 lies, or would lie."""
        return self.folder / md5[:2] / md5[2:]

    def objects(self) -> Iterator[tuple[str, Path]]:
        """(md5, path) of every object."""
        if not self.folder.is_dir():
            return
        for prefix in sorted(self.folder.iterdir()):
            if len(prefix.name) != 2 or not prefix.is_dir():
                continue
            for path in sorted(prefix.iterdir()):
                md5 = prefix.name + path.name
                if len(md5.removesuffix(DIR)) == MD5_LENGTH:  # not a half-written temporary file
                    yield md5, path

    def listing(self, md5: str) -> dict[str, str] | None:
        """Relpath -> md5 of a folder's files; None where the list is missing or not whole."""
        try:
            data = self.path(md5).read_bytes()
            if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5.removesuffix(DIR):
                return None
            return {entry["relpath"]: entry["md5"] for entry in json.loads(data)}
        except (OSError, ValueError):
            return None

    def members(self, md5: str) -> list[str]:
        """The md5 of an output and of all files in it, as far as its list is known."""
        return [md5, *sorted(set((self.listing(md5) or {}).values()))] if md5.endswith(DIR) else [md5]

    def holds(self, md5: str) -> bool:
        """Whether all objects of an output are there; their bytes are not read."""
        known = not md5.endswith(DIR) or self.listing(md5) is not None
        return known and all(self.path(member).is_file() for member in self.members(md5))

    def is_whole(self, md5: str, hasher: Hasher) -> bool:
        """Whether an output could be put back from here, byte for byte."""
        if md5.endswith(DIR) and self.listing(md5) is None:
            return False
        return all(self.is_good(member, hasher) for member in self.members(md5))

    def is_good(self, md5: str, hasher: Hasher) -> bool:
        """Whether the object is there and has the bytes of its name."""
        path = self.path(md5)
        return path.is_file() and hasher.md5(path) == md5.removesuffix(DIR)

    def put(self, md5: str, good: Path) -> None:
        """Store a file whose bytes were verified, as a copy of its own."""
        from mu0.files import atomic_file

        with atomic_file(self.path(md5)) as temporary:
            temporary.write_bytes(good.read_bytes())
            temporary.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)

    def move_aside(self, md5: str, root: Path) -> Path:
        """Take a damaged object out of DVC's sight; its bytes are kept in `.dvc/damaged`."""
        goal = root / MOVED_ASIDE / md5
        goal.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.path(md5), goal)  # noqa: PTH105 — replaces what an earlier repair left
        return goal

    def restore(self, md5: str, goal: Path, hasher: Hasher) -> bool:
        """Write an output to a new folder as copies; False where the cache does not hold all of it."""
        if not self.is_whole(md5, hasher):
            return False
        listing = self.listing(md5) if md5.endswith(DIR) else {"": md5}
        for relative, member in (listing or {}).items():
            path = goal / relative if relative else goal
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.path(member).read_bytes())
        return True
