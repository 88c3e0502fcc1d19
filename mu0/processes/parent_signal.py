"""The kernel's own way to end a child with its parent (Linux), which no busy interpreter can delay."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent_thread() -> None:
    """SIGKILL this process when the thread that started it ends: only for children of a main thread.

    Says nothing about a parent that has ended already, and does nothing on other systems: watch a pipe too.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
