"""Running one stage through DVC, with its output passed on line by line.

Before a process is started, DVC is asked in this process whether the stage changed at all: starting the
command costs more than a second, asking costs hundredths, and most stages of most runs are unchanged.
"""

import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mu0.errors import StageError
from orchestration.running.child import run_child
from orchestration.running.turns import BAD_ADVICE, BUSY, holders, turn, wait_for_dvc
from orchestration.verify.guard import require_recorded_models, require_sound_cache

TAIL_LINES = 40
DVC = ("orchestration.running.dvc", "--wait-for-lock")


@dataclass(frozen=True)
class StageRun:
    """How a stage ended. `outcome` is `unchanged`, `cached`, `ran` or `failed`."""

    outcome: str
    seconds: float
    tail: str = ""


def reproduce(stage: str, root: Path, on_line: Callable[[str], None], run_id: str = "") -> StageRun:
    """Bring one stage up to date; its inputs are taken as they are.

    Args:
        stage: Address of the stage: its file, a colon and its name.
        root: Folder of the project.
        on_line: Receives every line that DVC and the stage write.
        run_id: Id of the Dagster run, which the stage's MLflow run then carries as a tag.

    Raises:
        Interrupted: The run was cancelled; raised when the stage has ended.
    """
    started = time.monotonic()
    with turn(root, on_line, alone=False):
        outcome, tail = _bring_up_to_date(stage, root, on_line, run_id)
    return StageRun(outcome, time.monotonic() - started, tail)


def _bring_up_to_date(stage: str, root: Path, on_line: Callable[[str], None], run_id: str) -> tuple[str, str]:
    """Outcome and last lines."""
    if _is_unchanged(stage, root):
        on_line(f"Stage '{stage}' didn't change.")
        return "unchanged", ""
    try:
        require_sound_cache(root)
        outcome, tail = _run_dvc(stage, root, on_line, run_id)
        while outcome == "failed" and BUSY in tail and holders(root):
            wait_for_dvc(root, on_line)  # a DVC in some shell, which takes no turns, was there first
            outcome, tail = _run_dvc(stage, root, on_line, run_id)
        if outcome != "failed":
            require_sound_cache(root)
            require_recorded_models(root)
    except StageError as error:
        on_line(str(error))
        return "failed", str(error)
    return outcome, tail


def _run_dvc(stage: str, root: Path, on_line: Callable[[str], None], run_id: str) -> tuple[str, str]:
    """Outcome and last lines of `dvc repro`."""
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    outcome = "ran"

    def note(line: str) -> None:
        nonlocal outcome
        if BAD_ADVICE in line:
            return  # to take a lock away from a living process
        tail.append(line.rstrip())
        on_line(tail[-1])
        if "is cached - skipping run" in line:
            outcome = "cached"

    exit_code = run_child(
        [sys.executable, "-m", *DVC, "repro", "--single-item", stage],
        _environment(run_id), cwd=root, on_line=note, merges_errors=True, works_for=_run_workers(),
    )  # fmt: skip
    return "failed" if exit_code else outcome, "\n".join(tail)


def _is_unchanged(stage: str, root: Path) -> bool:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root), _wait_for_lock=True) as repo:
            return not repo.status(targets=[f"{root}/{stage}"])
    except DvcException:
        return False  # the command itself then says what is wrong


def _environment(run_id: str) -> dict[str, str]:
    binaries = str(Path(sys.executable).parent)
    return os.environ | {
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        "DVC_NO_ANALYTICS": "1",
        "MU0_DAGSTER_RUN_ID": run_id,
    }


def _run_workers() -> list[int]:
    """The process of the Dagster run, where this step has one of its own."""
    parent = multiprocessing.parent_process()
    return [] if parent is None or parent.pid is None else [parent.pid]
