"""Who comes second waits and says for whom; nobody is told to delete a living process's lock."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.bridge.execution import reproduce
from orchestration.bridge.project import Project
from orchestration.running.turns import Holder, holders, paths_being_written, turn

HOLD = """
import sys
from pathlib import Path
from orchestration.running.turns import turn
with turn(Path(sys.argv[1]), print, alone=sys.argv[2] == "alone"):
    print("held", flush=True)
    sys.stdin.read()
"""
CHAIN = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
os.chdir(sys.argv[1])
from orchestration.cli.chain import reproduce_alone
sys.exit(reproduce_alone())
"""
REPOSITORY = Path(__file__).parents[3]


@contextmanager
def another_process(root: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has its turn in `root` until its standard input ends or it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, cwd=REPOSITORY,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def note_in_dvc(root: Path, kind: str, path: Path, pid: int) -> None:
    """What DVC writes when a process works on `path`."""
    entry = {"pid": pid, "cmd": "dvc repro"}
    content = {"read": {}, "write": {}} | {kind: {str(path): [entry] if kind == "read" else entry}}
    (root / ".dvc/tmp").mkdir(parents=True, exist_ok=True)
    (root / ".dvc/tmp/rwlock").write_text(json.dumps(content))


def told_then(lines: list[str], act: Callable[[], object]) -> Callable[[str], None]:
    """Keeps every line, and acts on the first that says for whom we wait."""

    def on_line(line: str) -> None:
        if line.startswith("waiting") and not any(each.startswith("waiting") for each in lines):
            act()
        lines.append(line)

    return on_line


@pytest.mark.parametrize(("theirs", "alone"), [("alone", True), ("alone", False), ("beside", True)])
def test_who_comes_second_waits_and_says_for_whom(tmp_path: Path, theirs: str, alone: bool) -> None:
    lines: list[str] = []
    with (
        another_process(tmp_path, theirs) as other,
        turn(tmp_path, told_then(lines, other.kill), alone=alone),
    ):
        assert other.wait() == -signal.SIGKILL, "we had our turn while it was alive"
    assert lines == [f"waiting for the DVC lock held by process {other.pid} (-c {tmp_path} {theirs})"]


def test_single_stages_go_side_by_side(tmp_path: Path) -> None:
    lines: list[str] = []
    with another_process(tmp_path, "beside") as other, turn(tmp_path, lines.append, alone=False):
        assert other.poll() is None
    assert lines == []


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    lines: list[str] = []
    with another_process(tmp_path, "alone") as other:
        other.kill()
        other.wait()
        with turn(tmp_path, lines.append, alone=True):
            pass
    assert lines == []


def test_only_living_processes_hold_dvcs_lock(tmp_path: Path) -> None:
    assert holders(tmp_path) == []
    with another_process(tmp_path, "alone") as other:
        for kind in ("read", "write"):
            note_in_dvc(tmp_path, kind, tmp_path / "data", other.pid)
            assert holders(tmp_path) == [Holder(other.pid, "dvc repro")]
        assert paths_being_written(tmp_path) == {tmp_path / "data"}
        other.kill()
        other.wait()
        assert holders(tmp_path) == []
        assert paths_being_written(tmp_path) == set()
    (tmp_path / ".dvc/tmp/rwlock").write_text("half a li")
    assert holders(tmp_path) == []


def test_a_chain_waits_for_a_dvc_in_a_shell(tmp_path: Path) -> None:
    lines: list[str] = []
    with another_process(tmp_path / "elsewhere", "alone") as other:
        note_in_dvc(tmp_path, "write", tmp_path / "data", other.pid)
        with turn(tmp_path, told_then(lines, other.kill), alone=True):
            assert other.wait() == -signal.SIGKILL
    assert lines == [f"waiting for the DVC lock held by process {other.pid} (dvc repro)"]


@pytest.mark.slow
def test_a_dagster_stage_waits_for_a_dvc_in_a_shell_and_then_runs(toy: Project, tmp_path: Path) -> None:
    (toy.root / "inbox/a").write_text("4")
    lines: list[str] = []
    with another_process(tmp_path / "elsewhere", "alone") as other:

        def end() -> None:
            other.kill()
            other.wait()

        note_in_dvc(toy.root, "write", toy.root / "data/numbers", other.pid)
        run = reproduce("dvc.yaml:numbers", toy.root, told_then(lines, end))
    assert run.outcome == "ran"
    assert (toy.root / "data/numbers/all.txt").read_text() == "4 3"
    assert f"waiting for the DVC lock held by process {other.pid} (dvc repro)" in lines
    assert not any("manually remove" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("theirs", ["alone", "beside"])
def test_mu0_run_waits_for_dagster_and_for_another_mu0_run(toy: Project, theirs: str) -> None:
    (toy.root / "inbox/a").write_text("4")
    with another_process(toy.root, theirs) as other, subprocess.Popen(
        [sys.executable, "-c", CHAIN, str(toy.root), str(REPOSITORY)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    ) as chain:  # fmt: skip
        assert chain.stderr
        first = chain.stderr.readline()
        assert first.startswith(f"waiting for the DVC lock held by process {other.pid} ")
        other.kill()
        other.wait()
        chain.stderr.read()
    assert chain.returncode == 0
    assert (toy.root / "data/total.txt").read_text() == "25"


@pytest.mark.slow
def test_a_dagster_stage_waits_for_mu0_run(toy: Project) -> None:
    (toy.root / "inbox/a").write_text("4")
    lines: list[str] = []
    with another_process(toy.root, "alone") as other:
        run = reproduce("dvc.yaml:numbers", toy.root, told_then(lines, other.kill))
    assert run.outcome == "ran"
    assert lines[0].startswith(f"waiting for the DVC lock held by process {other.pid} ")
