"""What the system refuses, told as a message: a place that cannot be written, a full disk, a long name."""

import errno
import os
import select
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from mu0.errors import PlaceError

OUTPUTS = ("out", "goal", "index")  # what commands call the places that they write to
READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def told(error: OSError, options: Mapping[str, object]) -> PlaceError:
    """The message for an error of the system.

    Args:
        error: What a command or a stage raised.
        options: What the command was called with; the place at fault may be one of them.
    """
    if isinstance(error, ConnectionError | TimeoutError) or error.errno is None:
        return _no_file(error)
    name = error.filename if isinstance(error.filename, str | bytes | os.PathLike) else None
    place = Path(os.fsdecode(name)) if name is not None else None
    said = error.strerror or str(error) or type(error).__name__
    option = _option_of(place, options)
    if option:
        given = options[option]
        return PlaceError(
            f"{given} cannot be written: {place}: {said}.",
            expected="a place that may be written, with room for the result",
            remedy=f"choose another one ({'--' if option != 'goal' else ''}{option}).",
        )
    if error.errno in FULL:
        return PlaceError(
            f"{place or 'The disk'} is full: {said}.",
            expected="room for the results",
            remedy="make room, or choose another place.",
        )
    is_written = error.errno == errno.EROFS
    return PlaceError(
        f"{place or 'Something'} cannot be {'written' if is_written else 'used'}: {said}.",
        expected="a place that may be written" if is_written else "a file or folder that can be used",
        remedy=_remedy(error.errno or 0),
    )


def _remedy(number: int) -> str:
    if number == errno.ENAMETOOLONG:
        return "choose another place."
    if number in READ_ONLY:
        return "give leave to write there (`ls -l`, `mount`), or choose another place."
    if number == errno.EIO:
        return "look after the disk (`dmesg`), then run the same command again."
    return "check that it exists, what it is, and its permissions."


def _no_file(error: OSError) -> PlaceError:
    """Errors that libraries tell as the system's: a connection, or a file that holds something else."""
    return PlaceError(
        f"{type(error).__name__}: {error}." if str(error) else f"{type(error).__name__}.",
        expected="a file that can be read, or a service that answers",
        remedy="check what the message names, then run the same command again.",
    )


def _option_of(place: Path | None, options: Mapping[str, object]) -> str:
    """The option below whose place the fault lies, or on whose way; empty where none does."""
    if place is None:
        return ""
    for name in OUTPUTS:
        given = options.get(name)
        if isinstance(given, Path):
            goal, fault = Path(os.path.abspath(given)), Path(os.path.abspath(place))  # noqa: PTH100 - no links
            if fault.is_relative_to(goal.parent if goal.suffix else goal) or goal.is_relative_to(fault):
                return name
    return ""


def leave_if_nobody_reads() -> None:
    """End as programs do whose reader (`| head`) has gone: without a message, and without a second one."""
    try:
        number = sys.stdout.fileno()
        ends = select.poll()
        ends.register(number, 0)  # errors are always told
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in ends.poll(0)):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            sys.exit(128 + signal.SIGPIPE)
    except OSError:  # a stream that is no file
        return
