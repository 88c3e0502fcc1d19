"""Processes that inherited a mark in their environment: a census that no orphan escapes."""

import os
import time
from contextlib import suppress

import psutil

VARIABLE = "MU0_TEST_MARK"


def marked(mark: str) -> list[psutil.Process]:
    """Everything alive that carries the mark, and has no parent among its watchers to ask."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it ended, or belongs to somebody else
            if process.environ().get(VARIABLE) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def survivors(mark: str, within_s: float) -> list[str]:
    """Command lines of what is still there after so long; returns as soon as nothing is."""
    limit_s = time.monotonic() + within_s
    while (left := marked(mark)) and time.monotonic() < limit_s:
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
