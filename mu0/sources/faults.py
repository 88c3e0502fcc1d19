"""Whatever goes wrong with one entry of a source costs that entry: exceptions become faults with the reason.

Readers check what they know of. Data hold more than anyone knows of: links that lead nowhere or in a ring,
folders that may not be entered, names that are too long, headers whose numbers are texts. `READING` are the
exceptions that data can cause; `fault_of` puts them into words. What the machine lacks (space, files, memory)
is no entry's fault and is not caught: every other entry would fail of it too.
"""

import errno
import struct
import zipfile
import zlib
from pathlib import Path

import av
import cv2

from mu0.errors import SourceError
from mu0.file_content import other_kind, stand_in, why_no_file

READING = (
    OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, EOFError,
    struct.error, zlib.error, zipfile.BadZipFile, cv2.error, av.error.FFmpegError,
)  # fmt: skip
MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR}
)


def fault_of(error: BaseException, place: Path | str) -> SourceError:
    """The fault that an exception tells of.

    Args:
        error: What was raised while `place` was read.
        place: The entry, for messages that name no file.

    Raises:
        OSError: It is the machine's.
    """
    if isinstance(error, SourceError):
        return error
    if isinstance(error, OSError) and error.errno in MACHINE:
        raise error
    if isinstance(error, OSError) and not isinstance(error, av.error.FFmpegError):
        return _of_the_system(error, place)
    return SourceError(
        f"{place} could not be read: {type(error).__name__}: {error} ({_where(error)}).",
        expected="data as the reader knows them",
        remedy="look what is odd about this entry, or leave it out; please report it with this line.",
    )


def unreadable_file(path: Path, error: Exception, expected: str, remedy: str) -> SourceError:
    """The fault of a file that its reader refused with `error`; what lies in its place, where that shows."""
    try:
        found = stand_in(path) if path.suffix == ".npz" else other_kind(path)  # .npz is a zip archive
    except OSError:
        found = None
    if found is not None:
        return SourceError(f"{path} {found.what}.", expected=expected, remedy=found.remedy)
    return SourceError(f"{path} cannot be read: {error}.", expected=expected, remedy=remedy)


def link_fault(path: Path) -> SourceError:
    """The fault of a name behind which no file and no folder lies."""
    return SourceError(
        f"{path} {why_no_file(path)}.",
        expected="a file or a folder",
        remedy="mount or copy what it leads to, or remove it.",
    )


def _of_the_system(error: OSError, place: Path | str) -> SourceError:
    name = error.filename if isinstance(error.filename, str | Path) else place
    if error.errno == errno.ENOENT and Path(name).is_symlink():
        return link_fault(Path(name))
    return SourceError(
        f"{name}: {error.strerror or error}.",
        expected="a file that may be read",
        remedy="shorten its name."
        if error.errno == errno.ENAMETOOLONG
        else "check that it exists and belongs to you.",
    )


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "nowhere"
