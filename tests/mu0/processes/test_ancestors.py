"""A process ends with those that it works for, also when they were killed and could not say so."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.marked_processes import survivors
from mu0.processes.ancestors import VARIABLE, naming

Start = Callable[..., subprocess.Popen[str]]
LIMIT_S = 60.0  # a safety net
WITHIN_S = 5.0  # what is promised
WORKS = """
import os, sys, time
from pathlib import Path
from mu0.processes.ancestors import end_with_ancestors
from mu0.processes.interruption import Interrupted, interruptible
if "no_handles" in sys.argv:
    del os.pidfd_open
end_with_ancestors(os.environ)
try:
    with interruptible():
        Path("ready").touch()
        time.sleep(600)
except Interrupted:
    Path("tidied").touch()
"""
STARTS = """
import os, subprocess, sys
from mu0.processes.ancestors import naming
command = [sys.executable, "-c", sys.argv[1], *sys.argv[2:]]
subprocess.run(command, env=naming(os.environ, os.getpid()))
"""
STARTS_IN_A_SHELL = """
import os, shlex, subprocess, sys
command = shlex.join([sys.executable, "-c", sys.argv[1]])
subprocess.run(["/bin/sh", "-c", command + "; true"], env=os.environ | {"DVC_STAGE": "toy"})
"""


def wait_until_ready(folder: Path) -> None:
    limit_s = time.monotonic() + LIMIT_S
    while not (folder / "ready").exists():
        assert time.monotonic() < limit_s, "the script did not start"
        time.sleep(0.01)


def test_names_are_added_once_and_in_order() -> None:
    assert naming({}, 4, 5)[VARIABLE] == "4,5"
    assert naming({VARIABLE: "3,4", "A": "b"}, 4, 9) == {VARIABLE: "3,4,9", "A": "b"}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("no_handles",)])
def test_a_killed_parent_that_was_named_ends_its_child_in_order(
    arguments: tuple[str, ...], start: Start, mark: str, tmp_path: Path
) -> None:
    parent = start(STARTS, WORKS, *arguments)
    wait_until_ready(tmp_path)
    parent.send_signal(signal.SIGKILL)
    assert survivors(mark, WITHIN_S) == []
    assert (tmp_path / "tidied").exists()


@pytest.mark.slow
def test_a_killed_grandparent_ends_all_below(start: Start, mark: str, tmp_path: Path) -> None:
    grandparent = start(STARTS, STARTS, WORKS)
    wait_until_ready(tmp_path)
    grandparent.send_signal(signal.SIGKILL)
    assert survivors(mark, WITHIN_S) == []


@pytest.mark.slow
def test_a_stage_of_a_plain_dvc_ends_with_dvc_though_a_shell_stands_between(
    start: Start, mark: str, tmp_path: Path
) -> None:
    dvc = start(STARTS_IN_A_SHELL, WORKS)
    wait_until_ready(tmp_path)
    dvc.send_signal(signal.SIGKILL)
    assert survivors(mark, WITHIN_S) == []


@pytest.mark.slow
def test_a_parent_that_was_killed_before_anybody_looked_counts_as_ended(
    start: Start, mark: str, tmp_path: Path
) -> None:
    gone = start("pass")
    gone.communicate(timeout=LIMIT_S)
    late = start(WORKS, **{VARIABLE: str(gone.pid)})
    late.communicate(timeout=LIMIT_S)
    assert late.returncode in {0, 128 + signal.SIGTERM, -signal.SIGTERM}
    stranger = start(WORKS, **{VARIABLE: "1,999999"})
    stranger.communicate(timeout=LIMIT_S)
    assert survivors(mark, 0) == []


@pytest.mark.slow
def test_who_works_for_nobody_in_particular_outlives_its_parent(
    start: Start, mark: str, tmp_path: Path
) -> None:
    starts = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    shell = start(starts, WORKS)
    wait_until_ready(tmp_path)
    shell.send_signal(signal.SIGKILL)
    assert len(survivors(mark, 1.0)) == 1


@pytest.mark.slow
def test_who_does_not_stop_in_time_is_killed(start: Start, mark: str, tmp_path: Path) -> None:
    deaf = """
import os, signal, time
from pathlib import Path
from mu0.processes.ancestors import end_with_ancestors
signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_with_ancestors(os.environ)
Path("ready").touch()
time.sleep(600)
"""
    parent = start(STARTS, deaf)
    wait_until_ready(tmp_path)
    os.kill(parent.pid, signal.SIGKILL)
    assert survivors(mark, WITHIN_S) == []
