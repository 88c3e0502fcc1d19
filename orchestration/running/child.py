"""A command that a person waits for: what stops us stops all of it, and we stay until it has ended."""

import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from mu0.processes.interruption import Interrupted, StopRequests, handling
from orchestration.running.group import GRACE_S, ProcessGroup


def run_child(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    merges_errors: bool = False,
    works_for: Sequence[int] = (),
    grace_s: float = GRACE_S,
) -> int:
    """Run a command to its end and the end of all that it started.

    A stop signal goes on to all of the group, as SIGTERM (DVC forgets a SIGINT). A second Ctrl-C kills it,
    and so does the end of `grace_s`. Ctrl-Z pauses it, `fg` lets it go on.

    Args:
        command: Program and arguments.
        environment: Its environment.
        cwd: Its working folder.
        on_line: Receives each line of its standard output, without the line break, in this thread. Without
            it, the command writes to our own standard output. Its errors (and so progress bars) always go to
            ours, unless `merges_errors`.
        merges_errors: `on_line` receives what it writes as errors as well.
        works_for: Further processes with which it is to end.
        grace_s: Patience after a stop signal.

    Returns:
        Its exit code; negative if a signal killed it.

    Raises:
        Interrupted: This process got a stop signal; raised when all have ended.
    """
    relay = _Relay(grace_s)
    with handling(relay.stop), handling(relay.pause, (signal.SIGTSTP,)):
        pipes = on_line is not None
        group = ProcessGroup(
            command, environment, cwd=cwd, pipes=pipes, merges_errors=merges_errors, works_for=works_for
        )
        relay.connect(group)
        try:
            code = _follow(group, on_line, grace_s)
        except BaseException:
            group.end(grace_s)
            raise
        finally:
            relay.kill.cancel()
    if relay.requests.first is not None:
        raise Interrupted(relay.requests.first)
    return code


class _Relay:
    """Hands on to a group what this process is told."""

    def __init__(self, grace_s: float) -> None:
        self.requests = StopRequests()
        self.kill = threading.Timer(grace_s, self._send, [signal.SIGKILL])
        self.kill.daemon = True
        self._group: ProcessGroup | None = None

    def connect(self, group: ProcessGroup) -> None:
        """From now on; a stop that came while the group was made is handed on as well."""
        self._group = group
        if self.requests.first is not None:
            group.send(signal.SIGTERM)

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Handler: stop in order, at a second Ctrl-C at once."""
        is_first, is_impatient = self.requests.first is None, self.requests.add(number)
        if is_first:
            self.kill.start()
            self._send(signal.SIGTERM)
        elif is_impatient:
            self._send(signal.SIGKILL)

    def pause(self, _number: int, _frame: FrameType | None) -> None:
        """Handler: stand still together, and go on together."""
        self._send(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)  # returns when somebody lets us go on
        self._send(signal.SIGCONT)

    def _send(self, number: int) -> None:
        if self._group is not None:
            self._group.send(number)


def _follow(group: ProcessGroup, on_line: Callable[[str], None] | None, grace_s: float) -> int:
    """Wait for the end; whoever holds the pipe open beyond the command's end is ended by the other thread."""

    def finish() -> None:
        group.process.wait()
        group.end_rest(grace_s)

    if on_line is None:
        finish()
        return group.process.returncode
    finisher = threading.Thread(target=finish, daemon=True)
    finisher.start()
    assert group.process.stdout is not None
    with group.process.stdout as lines:
        for line in lines:
            on_line(line.rstrip("\n"))
    finisher.join()
    return group.process.returncode
