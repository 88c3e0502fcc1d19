"""The miniature project of `orphans.py`: two stages with a pool each, started in four ways."""

import subprocess
import sys
from pathlib import Path

STAGE = """
import sys
import time
from functools import partial
from pathlib import Path

from assets_defs.entry import run_stage
from mu0.files import atomic_file
from mu0.processes.pool import WorkerPool


def square(number):
    Path("working").touch()
    end_s = time.monotonic() + (0 if Path("fast").exists() else 600)
    while time.monotonic() < end_s:  # half of the time in Python, half asleep
        sum(range(1000))
        time.sleep(0.001)
    return number * number


def main(kind):
    with WorkerPool(2, tidies=kind == "tidies") as pool:
        squares = list(pool.map(square, range(4)))
    with atomic_file(Path(f"data/{kind}.txt")) as file:
        file.write_text(" ".join(map(str, squares)))


if __name__ == "__main__":
    run_stage(partial(main, sys.argv[1]))
"""
TOP = """
import sys
from mu0.cli.main import people_errors
from orchestration.cli.chain import run_python


@people_errors
def run(stage):
    sys.exit(run_python("orchestration.running.dvc", "repro", "--single-item", stage))


run(sys.argv[1])
"""
MAKEFILE = """
export MU0_ENDS_WITH := $(shell echo $$PPID)
%:
	@python top.py $@
	@echo done
"""
DEFINITIONS = """
from pathlib import Path
import dagster as dg
from assets_defs.graph import Artifact, Pipeline, Stage
from orchestration.bridge.definitions import build_definitions
from orchestration.bridge.project import Project

def stage(kind):
    output = Artifact(kind, f"data/{kind}.txt", "toy", "Squares.")
    return Stage(kind, f"python stage.py {kind}", ("stage.py",), outputs=(output,))

defs = build_definitions(Project(Path.cwd(), Pipeline((stage("plain"), stage("tidies")))))
"""
DVC_YAML = """
stages:
  plain:
    cmd: python stage.py plain
    deps: [stage.py]
    outs: [data/plain.txt]
  tidies:
    cmd: python stage.py tidies
    deps: [stage.py]
    outs: [data/tidies.txt]
"""
CONFIG = "[core]\n    analytics = false\n    check_update = false\n    no_scm = true\n"


def write_project(folder: Path) -> None:
    """A project that DVC and Dagster can run."""
    init = [sys.executable, "-m", "dvc", "init", "--no-scm", "-q"]
    subprocess.run(init, cwd=folder, check=True, capture_output=True)
    (folder / "data").mkdir()
    (folder / "dagster_home").mkdir()
    for name, content in {
        "stage.py": STAGE,
        "top.py": TOP,
        "Makefile": MAKEFILE,
        "definitions.py": DEFINITIONS,
        "dvc.yaml": DVC_YAML,
        "params.yaml": "{}\n",
        ".dvc/config": CONFIG,
        "dagster_home/dagster.yaml": "telemetry:\n  enabled: false\n",
    }.items():
        (folder / name).write_text(content)


def command_of(parent: str, stage: str) -> list[str]:
    """How a person, or Dagster's launcher, starts a stage."""
    python = sys.executable
    return {
        "mu0": [python, "top.py", stage],
        "make": ["make", stage],
        "dvc": [python, "-m", "dvc", "repro", "--single-item", stage],
        "dagster": [
            python, "-m", "dagster", "asset", "materialize", "-f", "definitions.py", "--select", stage,
        ],
    }[parent]  # fmt: skip
