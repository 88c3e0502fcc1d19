"""Taking turns: `mu0 run`, Dagster and a `dvc repro` in some shell work on one folder without tripping.

DVC notes in `.dvc/tmp/rwlock` who reads and writes what, refuses whoever comes second and advises to delete
the note. Here whoever comes second waits, and says for whom. A whole chain (`alone=True`) has the project for
itself; single stages of several Dagster runs go side by side, and DVC keeps them apart. The lock is the
kernel's: it ends with the process that holds it, however that ends, so nobody ever has to delete anything.
"""

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

TEMPORARY = Path(".dvc/tmp")
LOOK_AGAIN_S = 0.5
BUSY = "is being blocked by"  # DVC's words when somebody else works on the same paths
BAD_ADVICE = "you can manually remove"


@dataclass(frozen=True)
class Holder:
    """A living process that works on the project."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


@contextmanager
def turn(root: Path, on_line: Callable[[str], None], *, alone: bool) -> Iterator[None]:
    """Wait until nobody is in the way, then keep others waiting.

    Args:
        root: Folder of the project.
        on_line: Is told for whom we wait, once for each.
        alone: Whether nobody else may run stages meanwhile, also no DVC in a shell.
    """
    folder = root / TEMPORARY
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "mu0_turn").open("a+") as lock:
        note = folder / f"mu0_turn.{os.getpid()}"
        waiting = _Waiting(on_line)
        while not _try_lock(lock.fileno(), fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
            waiting.for_(_turn_holders(folder))
        note.write_text(json.dumps({"pid": os.getpid(), "cmd": _own_command()}))
        try:
            if alone:
                wait_for_dvc(root, on_line)
            yield
        finally:
            note.unlink(missing_ok=True)


def wait_for_dvc(root: Path, on_line: Callable[[str], None]) -> None:
    """Wait until no living process is noted in DVC's own lock."""
    waiting = _Waiting(on_line)
    while found := holders(root):
        waiting.for_(found)


def holders(root: Path) -> list[Holder]:
    """Living processes, other than this one, that DVC has noted as reading or writing something."""
    noted = _dvc_notes(root)
    entries = [
        *noted.get("write", {}).values(),
        *(each for many in noted.get("read", {}).values() for each in many),
    ]
    return _alive(entries)


def paths_being_written(root: Path) -> set[Path]:
    """What living processes are writing through DVC."""
    noted = _dvc_notes(root).get("write", {})
    return {Path(path) for path, entry in noted.items() if _is_alive(int(entry["pid"]))}


class _Waiting:
    """Says for whom we wait, when that changes, and sleeps a little."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line, self._told = on_line, ""

    def for_(self, found: list[Holder]) -> None:
        who = ", ".join(map(str, found))
        if who and who != self._told:
            self._on_line(f"waiting for the DVC lock held by {who}")
            self._told = who
        time.sleep(LOOK_AGAIN_S)


def _try_lock(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _turn_holders(folder: Path) -> list[Holder]:
    return _alive([_json(path) for path in sorted(folder.glob("mu0_turn.*"))])


def _alive(entries: list[dict[str, Any]]) -> list[Holder]:
    found = {int(entry["pid"]): str(entry.get("cmd", "")) for entry in entries if "pid" in entry}
    return [Holder(pid, cmd) for pid, cmd in sorted(found.items()) if pid != os.getpid() and _is_alive(pid)]


def _is_alive(pid: int) -> bool:
    """A zombie is not: it holds nothing any more, whoever should bury it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _dvc_notes(root: Path) -> dict[str, Any]:
    return _json(root / TEMPORARY / "rwlock")


def _json(path: Path) -> dict[str, Any]:
    """Notes come and go while we look: what is gone or half written is as good as none."""
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


def _own_command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
