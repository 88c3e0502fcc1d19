"""A miniature project: inbox -> numbers, squares -> check -> total."""

import subprocess
import sys
from pathlib import Path

from assets_defs.graph import Artifact, Pipeline, Stage

CODE = """
import json, sys
from pathlib import Path
import yaml

def numbers(params):
    values = [int(path.read_text()) * params["numbers"]["factor"] for path in sorted(Path("inbox").iterdir())]
    Path("data").mkdir(exist_ok=True)
    Path("data/numbers").mkdir(exist_ok=True)
    Path("data/numbers/all.txt").write_text(" ".join(map(str, values)))
    Path("data/squares.txt").write_text(" ".join(str(v * v) for v in values))

def check(params):
    values = [int(v) for v in Path("data/numbers/all.txt").read_text().split()]
    good = max(values) <= 100
    result = {"expectation": "at most 100", "success": good, "severity": "critical"}
    goal = Path("reports/checks/numbers.json" if good else "reports/checks_failed/numbers.json")
    goal.parent.mkdir(parents=True, exist_ok=True)
    Path("reports/checks_failed/numbers.json").unlink(missing_ok=True)
    goal.write_text(json.dumps({"results": [result]}))
    if not good:
        sys.exit("CheckFailedError: numbers above 100")

def total(params):
    print("adding up")
    value = sum(int(v) for v in Path("data/squares.txt").read_text().split())
    Path("data/total.txt").write_text(str(value))
    Path("reports").mkdir(exist_ok=True)
    Path("reports/total.json").write_text(json.dumps({"total": value}))

globals()[sys.argv[1]](yaml.safe_load(Path("params.yaml").read_text()))
"""

TOY = Pipeline((
    Stage(
        "numbers", "python code/run.py numbers", ("code",), external=("inbox",), params=("numbers",),
        outputs=(
            Artifact("numbers", "data/numbers", "toy", "Numbers.", contents="all.txt"),
            Artifact("squares", "data/squares.txt", "toy", "Their squares."),
        ),
    ),
    Stage(
        "check_numbers", "python code/run.py check", ("code",), inputs=("numbers",),
        checks="numbers", report="reports/checks/numbers.json",
    ),
    Stage(
        "total", "python code/run.py total", ("code",), inputs=("numbers", "squares"), params=("total",),
        outputs=(Artifact("total", "data/total.txt", "toy", "Their sum."),), metrics=("reports/total.json",),
    ),
))  # fmt: skip


def run_dvc(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run DVC as a person in a shell would."""
    binaries = str(Path(sys.executable).parent)
    environment = {"PATH": f"{binaries}:/usr/bin:/bin", "DVC_NO_ANALYTICS": "1", "HOME": str(root)}
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, env=environment)
