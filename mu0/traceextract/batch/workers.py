"""Workers for clips: one clip each at a time, one thread each, and none outlives the run that started it."""

import logging
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from types import TracebackType

from mu0.processes.pool import WorkerPool


def start_workers(count: int) -> Executor:
    """As many processes as asked for; a single worker is a thread of this process."""
    if count == 1:
        return _OneThread(1, initializer=_one_thread)
    level = logging.getLogger("mu0").getEffectiveLevel()
    return WorkerPool(count, start=partial(_start, level))


class _OneThread(ThreadPoolExecutor):
    """Does not hold up an interrupted process; its clip is then lost, as a worker process's is."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_interrupted = kind is not None and not issubclass(kind, Exception)
        self.shutdown(wait=not is_interrupted, cancel_futures=kind is not None)


def _start(level: int) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("mu0").setLevel(level)  # a fresh process would keep licences to itself
    _one_thread()


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)  # one thread per worker: workers are the parallelism, and results stay equal
