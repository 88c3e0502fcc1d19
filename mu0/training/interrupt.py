"""Ctrl-C and SIGTERM at a moment when weights, optimizer and average belong together."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mu0.processes.interruption import Interrupted, handling


class Interruption:
    """Whether somebody asked the training to stop."""

    def __init__(self) -> None:
        self.number: int | None = None

    @property
    def is_requested(self) -> bool:
        """Whether a stop signal came."""
        return self.number is not None

    def request(self, number: int, _frame: FrameType | None) -> None:
        """Signal handler: remember the wish; the loop obeys between two steps."""
        self.number = number

    def exception(self) -> KeyboardInterrupt:
        """To be raised; in a team another process may have got the signal."""
        return KeyboardInterrupt() if self.number is None else Interrupted(self.number)


@contextmanager
def deferred_interruption() -> Iterator[Interruption]:
    """Collect Ctrl-C and SIGTERM for the block (main thread only; elsewhere signals do not arrive)."""
    interruption = Interruption()
    with handling(interruption.request):
        yield interruption
