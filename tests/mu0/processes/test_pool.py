"""Workers do their work as in any pool, and end with the process that started them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from pool_tasks import double, end_hard, fail

from benchmarks.marked_processes import marked, survivors
from mu0.processes.pool import WorkerPool

Start = Callable[..., subprocess.Popen[str]]
LIMIT_S = 60.0  # a safety net
WITHIN_S = 5.0  # what is promised
POOL = """
import sys
from pool_tasks import run_pool
from mu0.processes.interruption import Interrupted

if __name__ == "__main__":
    try:
        run_pool(sys.argv[1])
    except Interrupted as stop:
        sys.exit(stop.exit_code)
"""


def begin(start: Start, folder: Path, kind: str) -> subprocess.Popen[str]:
    """A pool of which two workers are at work and one is idle."""
    pool = start(POOL, kind, PYTHONPATH=os.pathsep.join([str(Path.cwd()), str(Path(__file__).parent)]))
    limit_s = time.monotonic() + LIMIT_S
    while len(list(folder.glob("*.begun"))) < 3:
        assert pool.poll() is None, pool.communicate()[0]
        assert time.monotonic() < limit_s, "the workers did not begin"
        time.sleep(0.01)
    return pool


def tidied(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.tidied"))


@pytest.mark.slow
def test_results_come_back_and_errors_are_raised() -> None:
    with WorkerPool(2) as pool:
        assert list(pool.map(double, range(5))) == [0, 2, 4, 6, 8]
        with pytest.raises(ValueError, match="3"):
            pool.submit(fail, 3).result()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(double, 1)


@pytest.mark.slow
def test_a_worker_that_ends_hard_breaks_the_pool_and_takes_the_others_along() -> None:
    with WorkerPool(2, tidies=True) as pool, pytest.raises(BrokenProcessPool):
        pool.submit(end_hard, 1).result()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tidies", "plain"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_parent_ends_when_its_workers_have(
    kind: str, number: signal.Signals, start: Start, mark: str, tmp_path: Path
) -> None:
    pool = begin(start, tmp_path, kind)
    pool.send_signal(number)
    said, _ = pool.communicate(timeout=LIMIT_S)
    assert survivors(mark, WITHIN_S) == []
    assert pool.returncode == 128 + number
    assert tidied(tmp_path) == (["a", "b"] if kind == "tidies" else [])
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tidies", "plain"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_at_once_ends_the_same_way(
    kind: str, number: signal.Signals, start: Start, mark: str, tmp_path: Path
) -> None:
    pool = begin(start, tmp_path, kind)
    os.killpg(pool.pid, number)
    said, _ = pool.communicate(timeout=LIMIT_S)
    assert survivors(mark, WITHIN_S) == []
    assert pool.returncode == 128 + number
    assert tidied(tmp_path) == (["a", "b"] if kind == "tidies" else [])
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tidies", "plain"])
def test_workers_of_a_killed_parent_end_by_themselves(
    kind: str, start: Start, mark: str, tmp_path: Path
) -> None:
    pool = begin(start, tmp_path, kind)
    pool.send_signal(signal.SIGKILL)
    assert survivors(mark, WITHIN_S) == []
    assert tidied(tmp_path) == (["a", "b"] if kind == "tidies" else [])


@pytest.mark.slow
def test_workers_that_stand_still_end_with_a_killed_parent(start: Start, mark: str, tmp_path: Path) -> None:
    """A stopped process runs no thread that could watch: the kernel's signal ends it."""
    pool = begin(start, tmp_path, "plain")
    workers = [process for process in marked(mark) if "spawn_main" in " ".join(process.cmdline())]
    assert len(workers) == 3
    for worker in workers:
        worker.suspend()
    pool.send_signal(signal.SIGKILL)
    assert survivors(mark, WITHIN_S) == []
