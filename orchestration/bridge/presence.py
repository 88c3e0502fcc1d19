"""Whether what dvc.lock records lies on this disk: dvc.lock is in git and says nothing about that.

Small artifacts are hashed. Large ones are counted and weighed, which finds lost, added and cut files within a
blink, but not a byte that was changed in place: `mu0 verify` reads everything.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from assets_defs.dvc_state import IGNORED_FOLDERS, IGNORED_SUFFIXES, md5_of
from orchestration.bridge.lock import LockedStage
from orchestration.bridge.project import Project

State = Literal["here", "absent", "changed"]
HASHED_BELOW_BYTES = 64 << 20
REMEDY = {
    "absent": "recorded, not on this disk (`dvc pull` or `mu0 run`)",
    "changed": "on this disk, but not as recorded (`dvc checkout` or `mu0 run`)",
}


def state_on_disk(root: Path, path: str, locked: LockedStage) -> State:
    """How an output of a stage lies here, compared with what DVC recorded.

    Args:
        root: Folder of the project.
        path: Of the output, relative to `root`.
        locked: The stage that wrote it, as recorded.
    """
    here = root / path
    if not here.exists():
        return "absent"
    n_bytes = locked.output_bytes.get(path)
    if n_bytes is None or n_bytes < HASHED_BELOW_BYTES:
        return "here" if md5_of(here) == locked.output_md5[path] else "changed"
    sizes = list(_sizes(here))
    as_recorded = (len(sizes), sum(sizes)) == (locked.output_files.get(path, 1), n_bytes)
    return "here" if as_recorded else "changed"


def not_here(project: Project, lock: dict[str, LockedStage]) -> dict[str, State]:
    """Own artifacts that are recorded but absent or changed, by name."""
    states = {
        artifact.name: state_on_disk(project.root, artifact.path, lock[stage.name])
        for stage in project.pipeline.all_stages
        if stage.name in lock
        for artifact in stage.outputs
        if artifact.path in lock[stage.name].output_md5
    }
    return {name: state for name, state in states.items() if state != "here"}


def glance(project: Project) -> str:
    """A text that changes when an artifact comes, goes or is replaced; it reads no data."""
    seen = []
    for stage in project.pipeline.all_stages:
        for artifact in stage.outputs:
            witness = project.root / artifact.witness
            seen.append(f"{artifact.name} {witness.stat().st_mtime_ns if witness.exists() else 'absent'}")
    return "\n".join(seen)


def _sizes(path: Path) -> Iterator[int]:
    """Of a file, or of everything in a folder that DVC counts [bytes]."""
    if path.is_file():
        yield path.stat().st_size
        return
    for item in path.rglob("*"):
        ignored = IGNORED_FOLDERS.intersection(item.parts) or item.suffix in IGNORED_SUFFIXES
        if not ignored and item.is_file():
            yield item.stat().st_size
