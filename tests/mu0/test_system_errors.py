"""What the system refuses is told with its place and a way out."""

import errno
import re
from pathlib import Path

import pytest

from mu0.system_errors import told


@pytest.mark.parametrize(
    ("error", "options", "words"),
    [
        (OSError(errno.EROFS, "Read-only file system", "a/outputs"), {"out": Path("a/outputs/x")}, "--out"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b/c"), {"out": Path("a/b")}, "--out"),
        (OSError(errno.ENOSPC, "No space left on device", "t.csv"), {"index": Path("t.csv")}, "--index"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "g/x"), {"goal": Path("g")}, r"\(goal\)"),
        (OSError(errno.ENOSPC, "No space left on device"), {}, "is full"),
        (
            PermissionError(errno.EACCES, "Permission denied", "in.mp4"),
            {"out": Path("o")},
            "in.mp4 cannot be",
        ),
        (OSError(errno.ENAMETOOLONG, "File name too long", "n" * 300), {}, "too long"),
        (OSError("something else"), {}, "something else"),
        (OSError(errno.EIO, "Input/output error", "a.npy"), {}, "dmesg"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), {}, "service that answers"),
    ],
)
def test_an_error_names_the_place_and_the_way_out(
    error: OSError, options: dict[str, object], words: str
) -> None:
    message = str(told(error, options))

    assert re.search(words, message), message
