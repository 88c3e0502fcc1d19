"""A command and all that it starts, as one group.

The group has a session of its own. So a signal reaches each of its processes once, whether it came from a
terminal or was sent to the process above alone, and none of them can be forgotten.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from mu0.processes.ancestors import naming

GRACE_S = 20.0
"""From a stop signal to SIGKILL: a training ends its step and writes its state."""
LEAVE_S = 0.5
"""The leader has ended; the last of its helpers (a resource tracker) follow by themselves."""
LOOK_EVERY_S = 0.02


class ProcessGroup:
    """A running command with all that it starts; it ends with this process.

    Args:
        command: Program and arguments.
        environment: Its environment, to which the ids of this process and of `works_for` are added.
        cwd: Its working folder.
        pipes: Standard output goes into `process.stdout`, line by line, errors with it if `merges_errors`.
        works_for: Further processes with which the group is to end.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        cwd: Path | None = None,
        pipes: bool = False,
        merges_errors: bool = False,
        works_for: Sequence[int] = (),
    ) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=naming(environment, *works_for, os.getpid()),
            stdout=subprocess.PIPE if pipes else None,
            stderr=subprocess.STDOUT if merges_errors else None,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def send(self, number: int) -> None:
        """A signal to every process of the group."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: no permission for a group of zombies
            os.killpg(self.process.pid, number)

    def end(self, grace_s: float = GRACE_S) -> None:
        """Ask all to stop, wait until all have ended, and kill those that have not in `grace_s`."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self._is_empty():
                self.send(number)
                self._wait(grace_s)

    def end_rest(self, grace_s: float = GRACE_S) -> None:
        """The command has ended: wait for what it started, and end what stays."""
        self._wait(LEAVE_S)
        self.end(grace_s=grace_s)

    def _wait(self, patience_s: float) -> None:
        limit_s = time.monotonic() + patience_s
        while not self._is_empty() and time.monotonic() < limit_s:
            time.sleep(LOOK_EVERY_S)

    def _is_empty(self) -> bool:
        if self.process.poll() is None:
            return False
        try:
            os.killpg(self.process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return True
        return not any(map(self._has, psutil.process_iter()))

    def _has(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error, OSError):  # it ended while we looked
            is_ours = os.getpgid(process.pid) == self.process.pid
            return is_ours and process.status() != psutil.STATUS_ZOMBIE
        return False
