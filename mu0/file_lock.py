"""One worker at a time, over processes and runs: a lock that ends with its owner, whatever ends the owner.

The lock is the kernel's (`flock`): it is held by an open file, so it is free the moment its owner dies, and
no clock decides whether an owner that works for hours still lives. The file itself means nothing; one that a
killed owner left behind is locked like any other. It is removed by its owner, so whoever waited must look
whether the file it got is still the one with the name.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock `path` during the block; wait while somebody else holds it."""
    file = _acquire(path, waits=True)
    assert file is not None
    try:
        yield
    finally:
        _release(path, file)


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock `path` during the block if nobody else does; yields whether it is held."""
    file = _acquire(path, waits=False)
    try:
        yield file is not None
    finally:
        if file is not None:
            _release(path, file)


def _acquire(path: Path, *, waits: bool) -> int | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(file)
            return None
        except BaseException:
            os.close(file)
            raise
        if _is_named(path, file):
            _note_owner(file)
            return file
        os.close(file)  # removed by its last owner while we waited


def _is_named(path: Path, file: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file).st_ino
    except FileNotFoundError:
        return False


def _note_owner(file: int) -> None:
    """For people who wonder who is at work; nobody else reads it."""
    os.truncate(file, 0)
    os.pwrite(file, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)


def _release(path: Path, file: int) -> None:
    path.unlink(missing_ok=True)  # before letting go: afterwards the name may be somebody else's
    os.close(file)
