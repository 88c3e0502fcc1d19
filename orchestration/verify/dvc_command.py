"""DVC as a program, for the few things that only it may do."""

import os
import subprocess
import sys
from pathlib import Path


def run_dvc(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `dvc` in the project folder and collect what it says."""
    binaries = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        "DVC_NO_ANALYTICS": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "dvc", "--wait-for-lock", *arguments],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def has_remote(root: Path) -> bool:
    """Whether objects could be fetched from somewhere."""
    return bool(run_dvc(root, "remote", "list").stdout.strip())
