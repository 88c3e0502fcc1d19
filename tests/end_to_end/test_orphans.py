"""Nothing outlives what started it, whatever ended it, and the same command then comes through.

`python benchmarks/orphans.py` does the same two hundred times and measures how soon; here a busy machine may
take its time.
"""

import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from benchmarks.marked_processes import kill_marked

sys.path.insert(0, "benchmarks")  # its scripts find each other as they do when they are run
from orphans import KINDS, LIMIT_S, PARENTS, SIGNALS, Kill, completes, kill_once, start
from orphans_project import write_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature project with a pool of each kind."""
    folder = tmp_path_factory.mktemp("orphans")
    write_project(folder)
    return folder


@pytest.mark.e2e
@pytest.mark.parametrize("parent", PARENTS)
@pytest.mark.parametrize("number", SIGNALS)
def test_soon_after_a_kill_at_a_random_moment_nothing_is_left(
    parent: str, number: signal.Signals, project: Path
) -> None:
    moments = random.Random(f"{parent} {number}")
    is_late = moments.random() < 0.7  # otherwise it starts yet
    kill = Kill(parent, moments.choice(KINDS), "top", number, is_late, moments.uniform(0, 2.0))
    _, left, _ = kill_once(project, kill, LIMIT_S)
    assert left == [], kill


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("parent", "victim", "number"),
    [
        ("mu0", "dvc", signal.SIGKILL),
        ("mu0", "dvc", signal.SIGTERM),
        ("mu0", "stage", signal.SIGKILL),
        ("mu0", "worker", signal.SIGKILL),
        ("dvc", "stage", signal.SIGKILL),
    ],
)
def test_a_kill_in_the_middle_takes_what_is_below_along_and_what_is_above_says_so(
    parent: str, victim: str, number: signal.Signals, project: Path
) -> None:
    kill = Kill(parent, "tidies", victim, number, late=True, after_s=0.2)
    _, left, _ = kill_once(project, kill, LIMIT_S)
    assert left == []


@pytest.mark.e2e
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_command_comes_through_afterwards(kind: str, project: Path) -> None:
    kill_once(project, Kill("mu0", kind, "top", signal.SIGKILL, late=True, after_s=0.1))
    assert completes(project, kind)


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_message_comes_once_and_after_all_have_ended(number: signal.Signals, tmp_path: Path) -> None:
    write_project(tmp_path)
    mark = uuid.uuid4().hex
    top = start(tmp_path, "mu0", "plain", mark)
    try:
        while not (tmp_path / "working").exists():
            assert top.poll() is None, (tmp_path / "log.txt").read_text()
            time.sleep(0.02)
        top.send_signal(number)
        assert top.wait(LIMIT_S) == 128 + number
    except subprocess.TimeoutExpired:
        pytest.fail((tmp_path / "log.txt").read_text())
    finally:
        kill_marked(mark)
    said = (tmp_path / "log.txt").read_text().strip().splitlines()
    assert said[-1] == "Interrupted. Finished work is kept; the same command goes on from here."
    assert sum("Interrupted" in line for line in said) == 1
    assert not any("Traceback" in line for line in said)
