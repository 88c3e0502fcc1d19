"""The same for every test process: one thread per library, and tools that tell nobody anything.

Workers are the parallelism of the suite, and sums over threads may differ in their last bits. The variables
are set before any test module imports torch, NumPy or MLflow; programs that tests start inherit them.
"""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import pytest

from benchmarks.marked_processes import VARIABLE, kill_marked
from mu0.processes.interruption import STOP_SIGNALS

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SILENT = {"MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1", "GX_ANALYTICS_ENABLED": "False"}

os.environ.update(dict.fromkeys(ONE_THREAD, "1") | SILENT)


@pytest.fixture(scope="session")
def store_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database with its schema, to be copied instead of migrated."""
    import mlflow

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Long tests run without the checks of shapes, which take three quarters of an extraction's time.

    The same functions are checked in the quick tests, and whole extractions where `shapes` stands.
    """
    is_checked = item.get_closest_marker("slow") is None or item.get_closest_marker("shapes") is not None
    jaxtyping.config.update("jaxtyping_disable", not is_checked)


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def mark() -> Iterator[str]:
    """Inherited by all processes of a test."""
    mark = uuid.uuid4().hex
    yield mark
    kill_marked(mark)


@pytest.fixture
def start(tmp_path: Path, mark: str) -> Iterator[Start]:
    """Starts a script in a session of its own, in the test's folder, with no stop signal ignored.

    Children inherit what is ignored, and this process may ignore any: `nohup`, a shell script's `&`.
    """
    running: list[subprocess.Popen[str]] = []
    former = {number: signal.signal(number, signal.default_int_handler) for number in STOP_SIGNALS}

    def start_script(code: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        script = tmp_path / f"script_{len(running)}.py"
        script.write_text(code)
        paths = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
        running.append(
            subprocess.Popen(
                [sys.executable, str(script), *arguments],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=os.environ | {"PYTHONPATH": paths, VARIABLE: mark} | environment,
                start_new_session=True,
            )
        )
        return running[-1]

    yield start_script
    kill_marked(mark)
    for process in running:
        process.communicate()
    for number, handler in former.items():
        signal.signal(number, handler)
