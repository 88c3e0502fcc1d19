"""Worker processes: one clip each at a time, one thread each, and none outlives the run that started it."""

import logging
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import wait


def start_workers(count: int) -> Executor:
    """As many processes as asked for; a single worker is a thread of this process."""
    if count == 1:
        return ThreadPoolExecutor(1, initializer=_one_thread)
    context = multiprocessing.get_context("spawn")  # a fork would inherit the locks of OpenCV's threads
    level = logging.getLogger("mu0").getEffectiveLevel()
    return ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(level,))


def _start(level: int) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("mu0").setLevel(level)  # a fresh process would keep licences to itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _one_thread()


def _die_with_parent() -> None:
    """A killed parent cannot tell its workers; without this they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)  # one thread per worker: workers are the parallelism, and results stay equal
