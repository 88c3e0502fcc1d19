"""A killed process cannot end its MLflow run; the next run of the same stage does it for it.

Each run carries the process that writes it as tags: host, pid, and when that pid began, because pids return.
"""

import os
import socket
import subprocess
from pathlib import Path

HOST_TAG, PID_TAG, START_TAG, PROJECT_TAG = "process/host", "process/pid", "process/start", "project"


def process_tags(root: Path) -> dict[str, str]:
    """Who writes a run, and for which project folder."""
    return {
        HOST_TAG: socket.gethostname(),
        PID_TAG: str(os.getpid()),
        START_TAG: process_start(os.getpid()) or "",
        PROJECT_TAG: str(root.resolve()),
    }


def mark_killed_runs(experiment_id: str, stage: str, root: Path) -> list[str]:
    """End RUNNING runs of this stage and project whose process is gone on this host; returns their ids."""
    from mlflow import MlflowClient

    client = MlflowClient()
    running = client.search_runs([experiment_id], f"attributes.status = 'RUNNING' AND tags.stage = '{stage}'")
    dead = [run.info.run_id for run in running if _is_dead(run.data.tags, root)]
    for run_id in dead:
        client.set_terminated(run_id, "KILLED")
    return dead


def process_start(pid: int) -> str | None:
    """When a process began, as text that only it has; None where there is no such process."""
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            return None
        boot = Path("/proc/sys/kernel/random/boot_id")
        state, started = fields[0], fields[19]  # the name may hold spaces, hence counted from its bracket
        return None if state == "Z" else f"{boot.read_text().strip() if boot.exists() else ''}/{started}"
    answer = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def _is_dead(tags: dict[str, str], root: Path) -> bool:
    project = tags.get(PROJECT_TAG, "")
    is_ours = project == str(root.resolve()) or not Path(project).exists()  # the folder may have been moved
    is_here = tags.get(HOST_TAG) == socket.gethostname()
    if not (is_ours and is_here and tags.get(PID_TAG, "").isdigit()):
        return False
    return process_start(int(tags[PID_TAG])) != tags.get(START_TAG)
