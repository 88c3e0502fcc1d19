"""One MLflow run per training or evaluation stage.

The store is `MLFLOW_TRACKING_URI`, by default `sqlite:///mlflow.db` in the project folder. The run id is
never written into a DVC output (it would change the output's hash with every run); a small record of each
stage's last run lies in `.mu0_cache/mlflow/<stage>.json` for Dagster and for promotion.

A store that does not work at the start stops the stage within seconds (`tracking_store.opening`); one that
fails later does not: numbers wait on disk (`tracking_store.patience`), models are logged by promotion.

Environment
    MU0_TRACKING=off       no run, no import of mlflow; everything else works
    MU0_PARENT_RUN_ID      the new run is nested under this one
    MU0_DAGSTER_RUN_ID     becomes the tag `dagster/run_id` (set by the bridge)
"""

import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from assets_defs.dvc_state import read_recorded_stages, read_stage_dependencies
from assets_defs.tracking_store.dead_runs import mark_killed_runs, process_tags
from assets_defs.tracking_store.fault import store_errors
from assets_defs.tracking_store.opening import open_store, tracking_uri
from assets_defs.tracking_store.patience import SUFFIX, Number, PatientStore, deliver
from mu0.files import sha256_of_tree, write_json

EXPERIMENT = "mu0"
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
    """A run in MLflow; a store that fails while it is open delays its numbers and does not end it."""

    def __init__(self, stage: str, run_id: str, store: PatientStore) -> None:
        self.stage = stage
        self.run_id = run_id
        self.model: dict[str, str] = {}
        self._store = store
        self._metrics: list[Number] = []
        self._flushed_s = time.monotonic()

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Numbers at a step; written every 200 numbers or 5 seconds."""
        now_ms = int(time.time() * 1000)
        self._metrics += [(name, float(value), now_ms, step) for name, value in metrics.items()]
        if len(self._metrics) >= FLUSH_AT or time.monotonic() - self._flushed_s > FLUSH_AFTER_S:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting."""
        self._store.write(self._metrics)
        self._metrics, self._flushed_s = [], time.monotonic()

    def log_artifact(self, path: Path) -> None:
        """A file or folder to keep with the run."""
        import mlflow

        log = mlflow.log_artifacts if path.is_dir() else mlflow.log_artifact
        rest = {"artifact_path": path.name} if path.is_dir() else {}
        self._store.attempt(lambda: log(str(path), **rest))

    def log_model_folder(self, folder: Path) -> None:
        """A model folder as pyfunc from code and safetensors; no pickle anywhere."""
        from assets_defs.tracking_models import log_pyfunc

        self.flush()
        uris: list[str] = []
        if self._store.attempt(lambda: uris.append(log_pyfunc(folder))):
            self.model = {"model_uri": uris[0], "model_sha256": sha256_of_tree(folder)}

    def end(self, status: str) -> None:
        """Write what is waiting and how it ended."""
        self.flush()
        self._store.end(status)


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

    Raises:
        StageError: The tracking store does not work at the start.
    """
    name = name or stage
    if os.environ.get("MU0_TRACKING") == "off":
        yield SilentRun()
        return
    run, url = _begin(stage, params, root, name)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    finally:
        run.end(status)
    write_json(root / LAST_RUNS / f"{name}.json", {"run_id": run.run_id, "url": url, **run.model})


def _begin(stage: str, params: Mapping[str, Any], root: Path, name: str) -> tuple[MlflowRun, str]:
    """The run and its address for people, after what earlier runs left undone."""
    experiment = configure_mlflow()
    import mlflow

    uri, folder = tracking_uri(), root / LAST_RUNS
    parent = os.environ.get("MU0_PARENT_RUN_ID")
    hashes = input_hashes(stage, root)
    with store_errors(uri):
        deliver(folder)
        mark_killed_runs(experiment, stage, root)
        active = mlflow.start_run(
            run_name=name,
            parent_run_id=parent,
            nested=parent is not None,
            tags=_tags(stage, hashes, root) | process_tags(root),
        )
        run_id = active.info.run_id
        run = MlflowRun(name, run_id, PatientStore(uri, run_id, folder / f"{name}{SUFFIX}"))
        with ExitStack() as on_failure:
            on_failure.callback(run.end, "FAILED")
            mlflow.log_params(flatten(params))
            _log_inputs(run_id, hashes)
            on_failure.pop_all()
    return run, _url(active.info)


def configure_mlflow() -> str:
    """Open the store and choose the experiment; returns the experiment's id.

    Raises:
        StageError: The tracking store does not work.
    """
    return open_store(EXPERIMENT)


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
