"""What the pools of `test_pool.py` work on; each task leaves files in the current folder."""

import os
import time
from pathlib import Path

from mu0.processes.interruption import Interrupted, interruptible
from mu0.processes.pool import WorkerPool


def double(number: int) -> int:
    return 2 * number


def fail(number: int) -> None:
    raise ValueError(number)


def end_hard(number: int) -> None:
    os._exit(number)


def work(name: str) -> None:
    """For ever, unless something is raised in it."""
    try:
        Path(f"{name}.begun").touch()
        time.sleep(600)
    except Interrupted:
        time.sleep(0.3)
        Path(f"{name}.tidied").touch()
        raise


def run_pool(kind: str) -> None:
    """Two workers at work and one idle, until this process is stopped."""
    with interruptible(), WorkerPool(3, tidies=kind == "tidies") as pool:
        for_ever = [pool.submit(work, name) for name in ("a", "b")]
        Path("idle.begun").write_text(str(pool.submit(double, 1).result()))
        for future in for_ever:
            future.result()
