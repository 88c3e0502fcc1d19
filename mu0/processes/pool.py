"""Worker processes that end with the process that started them, whatever ended it.

Each worker watches its parent; a killed one cannot tell its workers, which would wait for work for ever. When
the parent is interrupted, it lets go of its workers: those that `tidy` end their task with `Interrupted`, so
that files and tracked runs are closed; the others end where they stand, as their work is published at once or
not at all.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection, wait
from types import FrameType, TracebackType
from typing import NoReturn, ParamSpec, TypeVar

from mu0.processes.interruption import STOP_SIGNALS, Interrupted, exit_code_of
from mu0.processes.parent_signal import die_with_parent_thread

P = ParamSpec("P")
T = TypeVar("T")
ORPHAN_TIDIES_S = 3.0
"""A worker without a parent may close files and runs for so long."""
ASK_AGAIN_S = 0.05
ORPHANED = 1


class WorkerPool(ProcessPoolExecutor):
    """A `ProcessPoolExecutor` of new ("spawn") processes; a fork would inherit the locks of other threads.

    Work is handed in by the thread that makes the pool.

    Args:
        count: Processes.
        tidies: On interruption, workers unwind their task instead of ending where they stand.
        start: Called once in each worker.
    """

    def __init__(self, count: int, *, tidies: bool = False, start: Callable[[], None] | None = None) -> None:
        context = multiprocessing.get_context("spawn")
        leash, self._hold = context.Pipe(duplex=False)
        is_main = threading.current_thread() is threading.main_thread()
        settings = _Settings(leash, tidies, is_main, start)
        super().__init__(count, mp_context=context, initializer=_begin, initargs=(settings,))

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As the base class."""
        return super().submit(partial(_work, function), *args, **kwargs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for all work; after an error for what has begun; interrupted or broken, let workers go."""
        if kind is not None and (not issubclass(kind, Exception) or issubclass(kind, BrokenProcessPool)):
            self._hold.close()
        self.shutdown(wait=True, cancel_futures=kind is not None)
        self._hold.close()


@dataclass(frozen=True)
class _Settings:
    leash: Connection
    tidies: bool
    is_from_main_thread: bool
    start: Callable[[], None] | None


class _Stop:
    """What the signals of a worker may do just now."""

    is_at_work = False
    is_asked = False


def _begin(settings: _Settings) -> None:
    if settings.tidies:
        for number in STOP_SIGNALS:
            signal.signal(number, _unwind)
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides
        if settings.is_from_main_thread:
            die_with_parent_thread()
    threading.Thread(target=_end_with_parent, args=(settings,), daemon=True).start()
    if settings.start is not None:
        settings.start()


def _work(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    _Stop.is_at_work = True
    try:
        return function(*args, **kwargs)
    except KeyboardInterrupt as interruption:
        _leave(exit_code_of(interruption))
    finally:
        _Stop.is_at_work = False


def _unwind(number: int, _frame: FrameType | None) -> None:
    """Signal handler of a worker that tidies."""
    if not _Stop.is_at_work:
        _leave(128 + number)
    if not _Stop.is_asked:
        _Stop.is_asked = True
        raise Interrupted(number)


def _end_with_parent(settings: _Settings) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel, settings.leash])
    if settings.tidies:
        _ask_main_thread_to_stop()
        wait([parent.sentinel])  # a parent that lives waits for us
        time.sleep(ORPHAN_TIDIES_S)
    os._exit(ORPHANED)


def _ask_main_thread_to_stop() -> None:
    """Until it hears: a signal between Python's last look and a blocking call is noted and wakes nobody."""
    main = threading.main_thread().ident
    assert main is not None
    while not _Stop.is_asked:
        signal.pthread_kill(main, signal.SIGTERM)
        time.sleep(ASK_AGAIN_S)


def _leave(code: int) -> NoReturn:
    """At once: whatever the pool still wants to send, nobody will read."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
