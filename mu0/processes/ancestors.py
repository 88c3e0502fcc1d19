"""A process ends when one of the processes that it works for has ended, however that one ended.

A killed parent cannot tell its children, and DVC, a shell and make stand between our processes and close what
they inherit. So every process that starts others for the project adds its id to the environment, and each of
them watches all that are named there. A stage that a plain `dvc repro` (or torchrun) started watches that.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import psutil

VARIABLE = "MU0_ENDS_WITH"
"""Ids of processes with commas. Who sends work to another machine leaves it out of the environment."""
STARTERS = ("DVC_STAGE", "TORCHELASTIC_RUN_ID")
"""Set by programs that start our stages and do not name themselves: the parent is watched."""
SHELLS = {"sh", "dash", "bash", "zsh", "fish", "ksh"}
TIDY_S = 3.0
"""A process without ancestors may close files and runs for so long."""
LOOK_EVERY_S = 0.5
GONE = -1
"""Is nobody's id."""


def naming(environment: Mapping[str, str], *pids: int) -> dict[str, str]:
    """The environment for children that are to end with these processes, and with those named before."""
    named = [*_named(environment), *pids]
    return {**environment, VARIABLE: ",".join(map(str, dict.fromkeys(named)))}


def end_with_ancestors(environment: Mapping[str, str], *, with_group: bool = False) -> None:
    """Watch the processes that this one works for, from now on, in a thread.

    When one ends, this process gets SIGTERM, and SIGKILL when it is still there three seconds later.

    Args:
        environment: Of this process: names them.
        with_group: The whole process group gets the signals; for the leader of a group of our own.
    """
    pids = _named(environment)
    if any(map(environment.get, STARTERS)):
        pids += _starters()
    if not pids:
        return
    wait = _waiting_for_one_of(pids)
    threading.Thread(target=_end_after, args=(wait,), kwargs={"with_group": with_group}, daemon=True).start()


def _named(environment: Mapping[str, str]) -> list[int]:
    return [int(pid) for pid in environment.get(VARIABLE, "").split(",") if pid.strip().isdigit()]


def _starters() -> list[int]:
    """The parent; if that is a shell, also the shell's parent, and so on up to the program.

    A parent of another session is not who started us: that one has ended, and an init has adopted us.
    """
    found: list[int] = []
    for process in psutil.Process().parents():
        if os.getsid(process.pid) != os.getsid(0) and os.getsid(0) != os.getpid():
            return [*found, GONE]
        found.append(process.pid)
        if process.name() not in SHELLS:
            break
    return found


def _waiting_for_one_of(pids: Sequence[int]) -> Callable[[], None]:
    """A function that returns when one of the processes is no ancestor (any more)."""
    handles = select.poll()
    try:
        for pid in pids:
            handles.register(os.pidfd_open(pid), select.POLLIN)
    except (AttributeError, OSError):  # ended, or a system without such handles
        return lambda: _look_until_one_ends(pids)
    if not _are_ancestors(pids):  # asked after opening: a handle cannot belong to a later process of that id
        return lambda: None

    def poll() -> None:
        handles.poll()

    return poll


def _look_until_one_ends(pids: Sequence[int]) -> None:
    while _are_ancestors(pids):
        time.sleep(LOOK_EVERY_S)


def _are_ancestors(pids: Sequence[int]) -> bool:
    return set(pids) <= {
        process.pid for process in psutil.Process().parents() if process.status() != psutil.STATUS_ZOMBIE
    }


def _end_after(wait: Callable[[], None], *, with_group: bool) -> None:
    wait()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if with_group:
            os.killpg(os.getpgid(0), number)
        else:
            os.kill(os.getpid(), number)
        time.sleep(TIDY_S)
