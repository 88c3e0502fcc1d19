"""The whole chain at the smoke profile, in a copy of the project: what `make demo` does, in minutes.

The steps build on each other, so they are one module with one shared project; each test states one promise.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("smoke")]


def run(project: Path, *command: str, expect: int = 0) -> str:
    """Run a program of this environment in the project; show everything when it leaves with another code."""
    environment = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "DAGSTER_HOME": str(project / "dagster_home"),
        "DVC_NO_ANALYTICS": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    for name in ("MLFLOW_TRACKING_URI", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environment.pop(name, None)  # as in a fresh shell
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == expect, (
        f"{' '.join(command)} left with {done.returncode}\n{done.stdout}\n{done.stderr}"
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the working tree's tracked files, at the smoke profile, after one `mu0 run`."""
    folder = tmp_path_factory.mktemp("smoke") / "project"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    (folder / "dvc.lock").unlink(missing_ok=True)
    for command in ("init -q", "add -A", "-c user.name=t -c user.email=t@t.invalid commit -qm start"):
        run(folder, "git", *command.split())
    run(folder, "mu0", "profile", "use", "smoke")
    run(folder, "mu0", "run")
    return folder


def test_every_artifact_is_there(project: Path) -> None:
    from assets_defs.chain import PIPELINE

    assert [a.path for a in PIPELINE.artifacts.values() if not (project / a.path).exists()] == []


def test_the_second_run_does_nothing(project: Path) -> None:
    shown = run(project, "mu0", "run")
    assert "Running stage" not in shown
    assert re.search(r"All \d+ stages are up to date\.", shown)


def test_dvc_and_dagster_agree_after_a_shell_run(project: Path) -> None:
    assert "Context impl" not in run(project, "mu0", "sync")  # what Dagster's library says of its tables
    assert "Data and pipelines are up to date" in run(project, "dvc", "status", "dvc.yaml")
    lock = yaml.safe_load((project / "dvc.lock").read_text())["stages"]
    code = (
        "import dagster as dg\n"
        "from orchestration.definitions import defs\n"
        "from assets_defs.chain import PIPELINE\n"
        "import json\n"
        "instance = dg.DagsterInstance.get()\n"
        "event = {n: instance.get_latest_materialization_event(dg.AssetKey(n)) for n in PIPELINE.artifacts}\n"
        "found = {n: e.asset_materialization for n, e in event.items() if e}\n"
        "print('SEEN', json.dumps({n: m.tags['dagster/data_version'] for n, m in found.items()}))\n"
    )
    [answer] = re.findall(r"^SEEN (.*)$", run(project, sys.executable, "-c", code), re.MULTILINE)
    seen = json.loads(answer)
    locked = {out["path"]: out["md5"] for entry in lock.values() for out in entry.get("outs", [])}
    from assets_defs.chain import PIPELINE

    assert seen == {name: locked[artifact.path] for name, artifact in PIPELINE.artifacts.items()}


def test_dagster_builds_the_chain_and_dvc_stays_clean(project: Path) -> None:
    run(project, "dagster", "job", "execute", "-m", "orchestration.definitions", "-j", "everything")
    assert "Data and pipelines are up to date" in run(project, "dvc", "status", "dvc.yaml")


def test_predict_answers_with_picture_page_and_numbers(project: Path) -> None:
    image, text = "reports/trace_report/scenes/0.png", "pick up the red apple"
    run(project, "mu0", "predict", image, "--text", text, "--samples", "2", "--grid", "3")
    made = project / "outputs/predict"
    answer = json.loads((made / "0.json").read_text())
    assert len(answer["traces_uvz"]) == 2
    assert len(answer["traces_uvz"][0]) == 9
    assert (made / "0_overlay.png").stat().st_size > 0
    assert "MU0_SCENES" in (made / "0.html").read_text()


def test_every_episode_is_valid(project: Path) -> None:
    assert "all valid" in run(project, "mu0", "validate", "data/extracted_traces")


def test_promotion_refuses_an_untrained_model_with_the_reason(project: Path) -> None:
    shown = run(project, "mu0", "promote", expect=1)
    assert "PromotionError" in shown
    assert "static" in shown


def test_metrics_and_plots_are_known_to_dvc(project: Path) -> None:
    metrics = json.loads(run(project, "dvc", "metrics", "show", "--json"))
    assert "reports/trace_report_metrics.json" in metrics[""]["data"]
    run(project, "dvc", "plots", "show", "--json")


def test_the_report_names_its_scale(project: Path) -> None:
    page = (project / "reports/mu0_report/index.html").read_text()
    assert "simulated" in page
    assert "MU0_SCENES" in page


def test_every_block_of_the_walkthrough_runs(project: Path) -> None:
    page = (REPOSITORY / "docs/walkthrough.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == page.count("```sh") > 0
    for block in blocks:
        run(project, "sh", "-euc", block)
