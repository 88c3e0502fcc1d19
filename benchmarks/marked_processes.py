"""Processes that inherited a mark in their environment: a census that no orphan escapes."""

import os
import time
from contextlib import suppress

import psutil

VARIABLE = "MU0_TEST_MARK"


def marked(mark: str) -> list[psutil.Process]:
    """Everything alive that carries the mark, whoever its parent is by now."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it ended, or belongs to somebody else
            if process.environ().get(VARIABLE) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def survivors(mark: str, within_s: float, besides: int = 0) -> list[str]:
    """Command lines of what is still there after so long; returns as soon as nothing is.

    Args:
        mark: Of the processes.
        within_s: Patience.
        besides: A process that does not count.
    """
    limit_s = time.monotonic() + within_s
    while left := [process for process in marked(mark) if process.pid != besides]:
        if time.monotonic() > limit_s:
            break
        time.sleep(0.05)
    lines = []
    for process in left:
        with suppress(psutil.Error):
            lines.append(f"{process.pid} {' '.join(process.cmdline())}")
    return lines


def kill_marked(mark: str) -> None:
    """Leave nothing behind, whatever a test found."""
    for process in marked(mark):
        with suppress(psutil.Error):
            process.kill()
