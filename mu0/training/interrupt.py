"""Ctrl-C and SIGTERM at a moment when weights, optimizer and average belong together."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether somebody asked the training to stop."""

    def __init__(self) -> None:
        self.is_requested = False

    def request(self, _signal: int, _frame: FrameType | None) -> None:
        """Signal handler: remember the wish; the loop obeys between two steps."""
        self.is_requested = True


@contextmanager
def deferred_interruption() -> Iterator[Interruption]:
    """Collect Ctrl-C and SIGTERM for the block (main thread only; elsewhere signals do not arrive)."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    former = {number: signal.signal(number, interruption.request) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
