"""A command and all that it starts end with who runs it, after they have tidied up."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.marked_processes import marked, survivors

Start = Callable[..., subprocess.Popen[str]]
LIMIT_S = 60.0  # a safety net
RUNNER = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)  # as in a shell script's `&`, when Dagster was imported
from orchestration.running.child import run_child
from mu0.processes.interruption import Interrupted

try:
    code = run_child([sys.executable, "-c", sys.argv[1]], os.environ, grace_s=float(sys.argv[2]))
except Interrupted as stop:
    print("the same command goes on", flush=True)
    sys.exit(stop.exit_code)
sys.exit(code)
"""
ORDERLY = """
import signal, subprocess, sys, time
from pathlib import Path

def stop(number, frame):
    time.sleep(0.3)
    with Path("tidied").open("a") as file:
        file.write("once ")
    sys.exit(143)

signal.signal(signal.SIGTERM, stop)
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path("ready").touch()
time.sleep(600)
"""
DEAF = """
import signal, subprocess, sys, time
from pathlib import Path
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Path("ready").touch()
time.sleep(600)
"""


def wait_until_ready(folder: Path) -> None:
    limit_s = time.monotonic() + LIMIT_S
    while not (folder / "ready").exists():
        assert time.monotonic() < limit_s, "the script did not start"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_runner_alone_stops_all_and_is_answered_when_all_have_tidied_up(
    number: signal.Signals, start: Start, mark: str, tmp_path: Path
) -> None:
    runner = start(RUNNER, ORDERLY, "60")
    wait_until_ready(tmp_path)
    runner.send_signal(number)
    message, _ = runner.communicate(timeout=LIMIT_S)
    assert marked(mark) == []
    assert runner.returncode == 128 + number
    assert message == "the same command goes on\n"
    assert (tmp_path / "tidied").read_text() == "once "


@pytest.mark.slow
def test_a_signal_that_comes_twice_at_once_is_no_impatience(start: Start, tmp_path: Path) -> None:
    runner = start(RUNNER, ORDERLY, "60")
    wait_until_ready(tmp_path)
    runner.send_signal(signal.SIGINT)
    runner.send_signal(signal.SIGINT)
    runner.communicate(timeout=LIMIT_S)
    assert (tmp_path / "tidied").read_text() == "once "


@pytest.mark.slow
def test_a_second_ctrl_c_does_not_wait(start: Start, mark: str, tmp_path: Path) -> None:
    runner = start(RUNNER, DEAF, "600")
    wait_until_ready(tmp_path)
    while runner.poll() is None:  # as a person who presses the keys until something happens
        runner.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert runner.returncode == 130
    assert marked(mark) == []


@pytest.mark.slow
def test_who_does_not_obey_is_killed_when_patience_ends(start: Start, mark: str, tmp_path: Path) -> None:
    runner = start(RUNNER, DEAF, "0.5")
    wait_until_ready(tmp_path)
    runner.send_signal(signal.SIGTERM)
    runner.communicate(timeout=LIMIT_S)
    assert runner.returncode == 143
    assert marked(mark) == []


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["sys.exit(7)", "os.kill(os.getpid(), 9)"])
def test_what_a_command_leaves_behind_ends_with_it(ends: str, start: Start, mark: str) -> None:
    child = f"""
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
{ends}
"""
    runner = start(RUNNER, child, "60")
    runner.communicate(timeout=LIMIT_S)
    assert runner.returncode == (7 if "7" in ends else 256 - 9)
    assert marked(mark) == []


@pytest.mark.slow
def test_lines_are_passed_on_and_a_pipe_held_open_by_others_does_not_block(start: Start, mark: str) -> None:
    child = """
import subprocess, sys
print("one\\ntwo", flush=True)
print("an error", file=sys.stderr, flush=True)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
"""
    code = """
import os, sys
from orchestration.running.child import run_child
lines = []
merges = {"merges_errors": len(sys.argv) > 2}
run_child([sys.executable, "-c", sys.argv[1]], os.environ, on_line=lines.append, **merges)
print(lines)
"""
    apart, merged = start(code, child), start(code, child, "merged")
    assert apart.communicate(timeout=LIMIT_S)[0] == "an error\n['one', 'two']\n"
    assert merged.communicate(timeout=LIMIT_S)[0] == "['one', 'two', 'an error']\n"
    assert survivors(mark, 0) == []


@pytest.mark.slow
def test_ctrl_z_pauses_all_and_going_on_goes_on(start: Start, mark: str, tmp_path: Path) -> None:
    runner = start(RUNNER, ORDERLY, "60")
    wait_until_ready(tmp_path)
    runner.send_signal(signal.SIGTSTP)
    wait_for_states(mark, {"stopped"})
    runner.send_signal(signal.SIGCONT)
    wait_for_states(mark, {"sleeping"})
    runner.send_signal(signal.SIGTERM)
    runner.communicate(timeout=LIMIT_S)
    assert runner.returncode == 143


def wait_for_states(mark: str, expected: set[str]) -> None:
    limit_s = time.monotonic() + LIMIT_S
    while {process.status() for process in marked(mark)} != expected:
        assert time.monotonic() < limit_s
        time.sleep(0.01)
