"""The test of the plan: a new artifact is one folder and one line, and then it is everywhere."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.toy_artifact import add_to

REPOSITORY = Path(__file__).parents[2]
SHOW_DAGSTER = """
import json
from orchestration.definitions import defs
graph = defs.resolve_asset_graph()
toy = next(key for key in graph.get_all_asset_keys() if key.to_user_string() == "toy")
print(json.dumps({
    "owners": graph.get(toy).owners,
    "stage": graph.get(toy).tags["dvc/stage"],
    "blocking": [key.name for key in graph.asset_check_keys if graph.get(key).blocking],
    "jobs": [key.to_user_string()
             for key in defs.resolve_job_def("everything").asset_layer.selected_asset_keys],
}))
"""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages with one room more."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("mu0", "assets_defs", "orchestration"):
        shutil.copytree(REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("params.yaml", ".dvcignore"):
        shutil.copy(REPOSITORY / name, root / name)
    add_to(root)
    with (root / "params.yaml").open("a") as file:
        file.write("\ntoy: {factor: 3}\n")
    (root / "numbers.txt").write_text("1 2 3")
    python(root, "-m", "dvc", "init", "--no-scm", "-q")
    python(root, "-m", "orchestration.cli", "dvc-yaml")
    return root


def python(root: Path, *arguments: str, fails: bool = False) -> str:
    """What a Python in the copy says; its own packages come before the installed ones."""
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(root),
        "DVC_NO_ANALYTICS": "1",
    }
    outcome = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (outcome.returncode != 0) == fails, outcome.stdout + outcome.stderr
    return outcome.stdout + outcome.stderr


def read_lock(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / "dvc.lock").read_text())["stages"]


def test_it_is_in_dvc_yaml(project: Path) -> None:
    stages = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]
    assert list(stages)[-2:] == ["toy", "check_toy"]
    assert stages["toy"]["cmd"] == "python -m assets_defs.toy.stage"
    assert stages["toy"]["params"] == ["toy"]
    assert {"numbers.txt", "assets_defs/toy/stage.py"} <= set(stages["toy"]["deps"])
    assert stages["check_toy"]["outs"] == ["reports/checks/toy.json"]
    others = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())["stages"]
    assert {name: stage for name, stage in stages.items() if "toy" not in name} == others


def test_it_is_in_dagster_with_a_blocking_check(project: Path) -> None:
    shown = json.loads(python(project, "-c", SHOW_DAGSTER).splitlines()[-1])
    assert (shown["stage"], shown["owners"]) == ("toy", ["team:toys"])
    assert "check_toy" in shown["blocking"]
    assert "toy" in shown["jobs"]


def test_its_section_is_a_part_of_params_yaml(project: Path) -> None:
    check = "from orchestration.params import check_params; print(check_params().toy.factor)"
    assert python(project, "-c", check).strip() == "3"
    params = project / "params.yaml"
    good = params.read_text()
    params.write_text(good.replace("factor: 3", "factr: 3"))
    assert "toy.factr  Extra inputs are not permitted" in python(project, "-c", check, fails=True)
    params.write_text(good)


def test_dvc_makes_it_checks_it_and_knows_what_changes_it(project: Path) -> None:
    python(project, "-m", "dvc", "repro", "check_toy")
    assert json.loads((project / "reports/toy_metrics.json").read_text()) == {"sum": 18}
    assert json.loads((project / "reports/checks/toy.json").read_text())["passed"]
    first = read_lock(project)["toy"]["outs"]

    asset = project / "assets_defs/toy/asset.py"
    asset.write_text(asset.read_text().replace("team:toys", "team:games"))
    assert "Data and pipelines are up to date" in python(project, "-m", "dvc", "status", "check_toy")

    params = project / "params.yaml"
    params.write_text(params.read_text().replace("factor: 3", "factor: -1"))
    shown = python(project, "-m", "dvc", "repro", "check_toy", fails=True)
    assert "toy: 1 of 1 expectations are broken" in shown
    assert read_lock(project)["toy"]["outs"] != first
