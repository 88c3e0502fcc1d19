"""One worker per clip, over processes and runs: a lock file that outlives neither its owner nor a crash.

The file is created exclusively, so one process gets it, and it names its owner. A lock whose owner is dead is
taken over, by one taker at a time. A process number alone does not name an owner (numbers are used again, in
containers soon), hence the start time beside it.
"""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_S = 0.1
FOREIGN_STALE_S = 3600.0  # owners on other hosts cannot be asked whether they live


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock `path` during the block; wait while another living process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while not (_create(path) or _take_over(path)):
        time.sleep(POLL_S)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _create(path: Path) -> bool:
    # written under another name and linked, so that nobody ever reads a lock without an owner
    draft = path.with_name(f"{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    draft.write_text(_owner())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _take_over(path: Path) -> bool:
    """Replace a dead owner's lock by ours, safe against other takers."""
    with path.with_suffix(".takeover").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        try:
            stale = _is_stale(path)
        except FileNotFoundError:
            return False
        if stale:
            path.unlink(missing_ok=True)
        return stale and _create(path)


def _owner() -> str:
    return json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": _started(os.getpid())})


def _is_stale(path: Path) -> bool:
    owner = json.loads(path.read_text())
    if owner["host"] != socket.gethostname():
        return time.time() - path.stat().st_mtime > FOREIGN_STALE_S
    return not _is_alive(owner["pid"]) or _started(owner["pid"]) != owner["started"]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot; empty where /proc does not tell."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
