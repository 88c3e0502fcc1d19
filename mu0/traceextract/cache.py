"""The episode cache: what was extracted once is never extracted again.

An entry is addressed by everything that its content depends on: the bytes of the clip's files, the parameters
of extraction, and the source code that extracts. A changed clip costs one clip, a changed line of the tracker
costs all of them, a changed comment in the trainer costs nothing.

    .mu0_cache/episodes/<key>/quality.json   the clip's QualityRow; written last, so it marks a complete entry
    .mu0_cache/episodes/<key>/episode/       the episode; absent where the clip was rejected
    .mu0_cache/episodes/<key>/episode.sha256 hash of all its bytes, from the first time it was asked for
    .mu0_cache/episodes/<key>.lock           while somebody extracts it

Failures are not kept: a full disk or a missing package may be mended by the next run.
"""

import errno
import hashlib
import json
import shutil
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from mu0.episodes.arrays import EpisodeArrays
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.write import naming_a_full_disk, write_episode
from mu0.files import remembered_sha256_of_tree, sha256_of, write_json
from mu0.params.extract import ExtractParams
from mu0.traceextract.lock import locked
from mu0.traceextract.quality_row import QualityRow

CODE = ("traceextract", "geometry", "episodes")  # packages of mu0 that decide what an episode holds
LIBRARY = Path(__file__).resolve().parents[1]
TEXT_ONLY = ("captions", "events")  # they read episodes and do not shape them
ENTRY_NAME, VERDICT_NAME = "episode", "quality.json"


@cache
def code_version() -> str:
    """Hash of the source code that extracts."""
    digest = hashlib.sha256()
    for package in CODE:
        for path in sorted((LIBRARY / package).rglob("*.py")):
            if path.name.startswith(TEXT_ONLY):
                continue
            digest.update(f"{path.relative_to(LIBRARY).as_posix()}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def clip_key(clip_folder: Path, params: ExtractParams, code: str) -> str:
    """The address of a clip's episode.

    Args:
        clip_folder: Clip on disk; clip.json, video, depth and cameras count, the robot's log does not.
        params: All parameters count but the number of workers.
        code: `code_version()`.
    """
    files = sorted(path for path in clip_folder.iterdir() if path.is_file() and _is_looked_at(path))
    content = {path.name: sha256_of(path) for path in files}
    basis = {"clip": content, "params": params.model_dump(exclude={"workers"}), "code": code}
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()


def _is_looked_at(path: Path) -> bool:
    return path.name not in {"robot.npz", "wrist.mp4"}


@dataclass(frozen=True)
class EpisodeCache:
    """Finished episodes by key."""

    root: Path

    def find(self, key: str) -> QualityRow | None:
        """The verdict of a complete entry, or None."""
        path = self.root / key / VERDICT_NAME
        return QualityRow(**json.loads(path.read_text())) if path.exists() else None

    def lock(self, key: str) -> AbstractContextManager[None]:
        """Hold this while extracting."""
        return locked(self.root / f"{key}.lock")

    def store(self, key: str, row: QualityRow, arrays: EpisodeArrays | None, sidecar: Sidecar | None) -> None:
        """Keep a verdict, and the episode if it is ok.

        Raises:
            EpisodeError: The disk is full.
        """
        if row.status == "ok":
            assert arrays is not None
            assert sidecar is not None
            write_episode(self.root / key / ENTRY_NAME, arrays, sidecar)
        with naming_a_full_disk(self.root):
            write_json(self.root / key / VERDICT_NAME, asdict(row))

    def digest(self, key: str) -> str:
        """Hash of all bytes of an episode."""
        return remembered_sha256_of_tree(self.root / key / ENTRY_NAME)

    def link(self, key: str, goal: Path) -> None:
        """Hard-link an episode to `goal` (copied where the disk differs)."""
        shutil.copytree(self.root / key / ENTRY_NAME, goal, copy_function=_link)


def _link(source: str, goal: str) -> None:
    try:
        Path(goal).hardlink_to(source)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
            raise
        shutil.copyfile(source, goal)
