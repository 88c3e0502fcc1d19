"""Ctrl-C, SIGTERM and a closed terminal as one exception, so that every `with` and `finally` ends its work.

Python turns SIGINT alone into `KeyboardInterrupt`; SIGTERM (`kill`, `timeout`, systemd, Slurm, make) would
end a process where it stands, with half-written folders and a tracked run that stays open for ever.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NEVER_IGNORED = (signal.SIGINT, signal.SIGTERM)
"""A shell script's `&` ignores SIGINT, and Dagster, imported there, gives SIGTERM the same fate; who sends
them by name means it."""
SECOND_CTRL_C_S = 0.5
"""`timeout` sends its signal to the child and to the group, at once; a person is slower."""

Handler = Callable[[int, FrameType | None], object]


class Interrupted(KeyboardInterrupt):
    """Somebody asked this process to stop; `number` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell expects: 128 and the signal's number."""
        return exit_code_of(self)


def exit_code_of(interruption: KeyboardInterrupt) -> int:
    """130 for Ctrl-C, 143 for SIGTERM, 129 for a closed terminal."""
    return 128 + getattr(interruption, "number", int(signal.SIGINT))


class StopRequests:
    """What was asked so far; tells a second Ctrl-C from a signal that came twice."""

    def __init__(self) -> None:
        self.first: int | None = None
        self._since_s = 0.0

    def add(self, number: int) -> bool:
        """Note a signal; True if it is a person's second Ctrl-C, who does not want to wait."""
        if self.first is None:
            self.first, self._since_s = number, time.monotonic()
            return False
        is_ctrl_c = number == self.first == signal.SIGINT
        return is_ctrl_c and time.monotonic() - self._since_s > SECOND_CTRL_C_S


@contextmanager
def handling(handler: Handler, signals: Sequence[signal.Signals] = STOP_SIGNALS) -> Iterator[None]:
    """Let `handler` receive these signals for the block; outside the main thread none arrive.

    What is ignored stays so (`nohup` ignores SIGHUP), except `NEVER_IGNORED`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [
        number
        for number in signals
        if number in NEVER_IGNORED or signal.getsignal(number) is not signal.SIG_IGN
    ]
    former = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, before in former.items():
            signal.signal(number, before or signal.SIG_DFL)


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block the first stop signal raises `Interrupted`; a second Ctrl-C leaves at once.

    Further signals change nothing: they tell a process that is stopping to stop.
    """
    requests = StopRequests()

    def handle(number: int, _frame: FrameType | None) -> None:
        is_first = requests.first is None
        if requests.add(number):
            os._exit(128 + number)
        if is_first:
            raise Interrupted(number)

    with handling(handle):
        yield
