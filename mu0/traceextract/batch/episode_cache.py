"""The episode cache: what was extracted once is never extracted again.

An entry is addressed by everything that its content depends on: the bytes of the clip's files, the parameters
of extraction, and the source code that extracts. A changed clip costs one clip, a changed line of the tracker
costs all of them, a changed comment in the trainer costs nothing.

    .mu0_cache/episodes/<key>/quality.json   the clip's QualityRow
    .mu0_cache/episodes/<key>/episode/       the episode; absent where the clip was rejected
    .mu0_cache/episodes/<key>.work/          an entry that is being made; moved into its place in one step
    .mu0_cache/episodes/<key>.lock           held by whoever makes it (`mu0.file_lock`)

A killed owner leaves its `.work` folder behind; whoever holds the lock next empties it, and every run sweeps
those that nobody holds.

Failures are not kept: a full disk or a missing package may be mended by the next run.
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from mu0.episodes.write import naming_a_full_disk
from mu0.file_lock import locked, locked_if_free
from mu0.files import remembered_sha256_of_tree, sha256_of, write_json
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.hands_python import with_available_hands
from mu0.traceextract.backends.weights_version import weights_version
from mu0.traceextract.quality.row import QualityRow

CODE = ("traceextract", "geometry", "episodes")  # packages of mu0 that decide what an episode holds
LIBRARY = Path(__file__).resolve().parents[2]
READERS = ("caption", "events", "convert", "validate")  # they read episodes and do not shape them
ENTRY_NAME, VERDICT_NAME, WORK_SUFFIX = "episode", "quality.json", ".work"


@cache
def code_version() -> str:
    """Hash of the source code that extracts."""
    digest = hashlib.sha256()
    for package in CODE:
        for path in sorted((LIBRARY / package).rglob("*.py")):
            if any(part.startswith(READERS) for part in path.relative_to(LIBRARY).parts):
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
    params = with_available_hands(params)
    basis = {"clip": content, "params": params.model_dump(exclude={"workers"}), "code": code}
    if weights := weights_version(params):
        basis["weights"] = weights
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
        """Hold this while extracting; waits for the holder."""
        return locked(self.root / f"{key}.lock")

    def lock_if_free(self, key: str) -> AbstractContextManager[bool]:
        """The same without waiting; yields whether it is ours."""
        return locked_if_free(self.root / f"{key}.lock")

    @contextmanager
    def work_folder(self, key: str) -> Iterator[Path]:
        """An empty folder to make an entry in; gone after the block. Needs the lock."""
        folder = self.root / f"{key}{WORK_SUFFIX}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def store(self, key: str, row: QualityRow, work: Path) -> None:
        """Keep a verdict and, if it is ok, the folder `episode` in the work folder, in one step.

        Raises:
            EpisodeError: The disk is full.
        """
        entry = work / "entry"
        entry.mkdir()
        if row.status == "ok":
            (work / ENTRY_NAME).replace(entry / ENTRY_NAME)
        with naming_a_full_disk(self.root):
            write_json(entry / VERDICT_NAME, asdict(row))
        if (self.root / key).exists():  # an entry without a verdict, of an older version of mu0
            shutil.rmtree(self.root / key)
        entry.replace(self.root / key)
        if row.status == "ok":
            with naming_a_full_disk(self.root):
                self.digest(key)  # publishing asks for it: so workers hash, side by side

    def sweep(self) -> None:
        """Remove what killed runs left behind; what somebody holds is left alone."""
        for folder in sorted(self.root.glob(f"*{WORK_SUFFIX}")):
            with locked_if_free(self.root / f"{folder.name.removesuffix(WORK_SUFFIX)}.lock") as is_ours:
                if is_ours:
                    shutil.rmtree(folder, ignore_errors=True)
        for path in sorted(self.root.glob("*.lock")):
            with locked_if_free(path):  # removes the file if nobody holds it
                pass

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
