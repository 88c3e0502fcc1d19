"""One MLflow run per training or evaluation stage.

The store is `MLFLOW_TRACKING_URI`, by default `sqlite:///mlflow.db` in the project folder. The run id is
never written into a DVC output (it would change the output's hash with every run); a small record of each
stage's last run lies in `.mu0_cache/mlflow/<stage>.json` for Dagster and for promotion.

Environment
    MU0_TRACKING=off       no run, no import of mlflow; everything else works
    MU0_PARENT_RUN_ID      the new run is nested under this one
    MU0_DAGSTER_RUN_ID     becomes the tag `dagster/run_id` (set by the bridge)
"""

import logging
import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets_defs.dvc_state import read_recorded_stages, read_stage_dependencies
from mu0.files import sha256_of_tree, write_json

if TYPE_CHECKING:
    from mlflow.entities import Metric

EXPERIMENT = "mu0"
DEFAULT_URI = "sqlite:///mlflow.db"
LAST_RUNS = Path(".mu0_cache/mlflow")
FLUSH_AT = 200
FLUSH_AFTER_S = 5.0
MAX_DIGEST = 36  # MLflow's limit; md5 + ".dir" is exactly that long
RACE_WAITS_S = (0.1, 0.5)


class AbstractRun(ABC):
    """What a stage may tell about itself."""

    @abstractmethod
    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Numbers at a step; cheap, written in batches."""

    @abstractmethod
    def log_artifact(self, path: Path) -> None:
        """A file or folder to keep with the run."""

    @abstractmethod
    def log_model_folder(self, folder: Path) -> None:
        """A trained model, so that `mlflow models serve` and the registry can load it."""


class SilentRun(AbstractRun):
    """Tracking is switched off."""

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Nothing."""

    def log_artifact(self, path: Path) -> None:
        """Nothing."""

    def log_model_folder(self, folder: Path) -> None:
        """Nothing."""


class MlflowRun(AbstractRun):
    """A run in MLflow."""

    def __init__(self, stage: str, run_id: str) -> None:
        self.stage = stage
        self.run_id = run_id
        self.model: dict[str, str] = {}
        self._metrics: list[Metric] = []
        self._flushed_s = time.monotonic()

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Numbers at a step; written every 200 numbers or 5 seconds."""
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        self._metrics += [Metric(name, float(value), now_ms, step) for name, value in metrics.items()]
        if len(self._metrics) >= FLUSH_AT or time.monotonic() - self._flushed_s > FLUSH_AFTER_S:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        from mlflow import MlflowClient

        if self._metrics:
            MlflowClient().log_batch(self.run_id, metrics=self._metrics)
        self._metrics, self._flushed_s = [], time.monotonic()

    def log_artifact(self, path: Path) -> None:
        """A file or folder to keep with the run."""
        import mlflow

        log = mlflow.log_artifacts if path.is_dir() else mlflow.log_artifact
        log(str(path), **({"artifact_path": path.name} if path.is_dir() else {}))

    def log_model_folder(self, folder: Path) -> None:
        """A model folder as pyfunc from code and safetensors; no pickle anywhere."""
        from assets_defs.tracking_models import log_pyfunc

        self.flush()
        self.model = {"model_uri": log_pyfunc(folder), "model_sha256": sha256_of_tree(folder)}


@contextmanager
def track_run(
    stage: str, params: Mapping[str, Any], root: Path = Path(), name: str | None = None
) -> Iterator[AbstractRun]:
    """Open the MLflow run of a stage; an exception inside marks it as failed.

    Args:
        stage: Name of the stage in the graph, such as `world_model`.
        params: What the run was asked to do; nested mappings become `a.b`.
        root: The project folder, where dvc.yaml and dvc.lock are.
        name: Of the run, where a stage has several; the stage's by default.
    """
    name = name or stage
    if os.environ.get("MU0_TRACKING") == "off":
        yield SilentRun()
        return
    configure_mlflow()
    import mlflow

    parent = os.environ.get("MU0_PARENT_RUN_ID")
    hashes = input_hashes(stage, root)
    with mlflow.start_run(
        run_name=name, parent_run_id=parent, nested=parent is not None, tags=_tags(stage, hashes, root)
    ) as active:
        run = MlflowRun(name, active.info.run_id)
        mlflow.log_params(flatten(params))
        _log_inputs(run.run_id, hashes)
        try:
            yield run
        finally:
            run.flush()
        record = {"run_id": run.run_id, "url": _url(active.info), **run.model}
        write_json(root / LAST_RUNS / f"{name}.json", record)


def configure_mlflow() -> None:
    """Choose the store and the experiment; no telemetry, no pickle, no bars for local copies."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent", "mlflow.utils.environment"):
        logging.getLogger(name).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", DEFAULT_URI))
    mlflow.set_experiment(EXPERIMENT)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one level with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def input_hashes(stage: str, root: Path = Path()) -> dict[str, str]:
    """DVC's md5 of the data that a stage reads, by path; empty outside a DVC project."""
    outputs = {
        path: md5
        for recorded in read_recorded_stages(root).values()
        for path, md5 in recorded.output_md5.items()
    }
    read = read_stage_dependencies(root).get(stage, [])
    return {out: md5 for out, md5 in outputs.items() if any(Path(path).is_relative_to(out) for path in read)}


def git_commit(root: Path = Path()) -> str:
    """The commit of the working tree; empty outside git."""
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() if answer.returncode == 0 else ""


def _tags(stage: str, hashes: dict[str, str], root: Path) -> dict[str, str]:
    tags = {
        "stage": stage,
        "git/commit": git_commit(root),
        "dagster/run_id": os.environ.get("MU0_DAGSTER_RUN_ID", ""),
    }
    return {key: value for key, value in tags.items() if value} | {
        f"dvc/{path}": md5 for path, md5 in hashes.items()
    }


def _log_inputs(run_id: str, hashes: dict[str, str]) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(name=path, digest=md5[:MAX_DIGEST], source_type="local", source=f'{{"uri": "{path}"}}'),
            tags=[InputTag("mlflow.data.context", "input")],
        )
        for path, md5 in hashes.items()
    ]
    if inputs:
        _again_if_raced(lambda: MlflowClient().log_inputs(run_id, inputs))


def _again_if_raced(write: Callable[[], None]) -> None:
    """Repeat a write that lost a race.

    MLflow looks for a data set, then inserts it; two runs that start together both find none. The second look
    finds the other's.
    """
    from mlflow.exceptions import MlflowException

    for waits_s in RACE_WAITS_S:
        try:
            return write()
        except MlflowException as error:
            if "IntegrityError" not in str(error):
                raise
            time.sleep(waits_s)
    return write()


def _url(info: Any) -> str:
    import mlflow

    uri = mlflow.get_tracking_uri()
    return f"{uri}/#/experiments/{info.experiment_id}/runs/{info.run_id}" if uri.startswith("http") else ""
