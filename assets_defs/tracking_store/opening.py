"""The store, opened: looked at first, followed to where the folder lies now, its experiment chosen."""

import logging
import os

from assets_defs.tracking_store.fault import store_errors, without_password
from assets_defs.tracking_store.probe import require_store
from assets_defs.tracking_store.relocation import follow_the_folder
from mu0.errors import StageError

DEFAULT_URI = "sqlite:///mlflow.db"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # seven, the default, are silent for minutes
}
LOUD_LOGGERS = (
    "alembic", "mlflow.store.db.utils", "mlflow.tracking.fluent", "mlflow.utils.environment",
    "mlflow.store.model_registry.abstract_store", "mlflow.tracking._model_registry.fluent",
)  # fmt: skip


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, by default a file in the project folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def open_store(experiment: str) -> str:
    """Choose the store and the experiment; no telemetry, no pickle, no bars for local copies.

    Returns:
        The experiment's id.

    Raises:
        StageError: The store does not work; said within 20 s.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for name in LOUD_LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    uri = tracking_uri()
    with store_errors(uri):
        require_store(uri)
        follow_the_folder(uri)
        import mlflow

        mlflow.set_tracking_uri(uri)
        _require_living_experiment(uri, experiment)
        return str(mlflow.set_experiment(experiment).experiment_id)


def _require_living_experiment(uri: str, experiment: str) -> None:
    from mlflow import MlflowClient

    found = MlflowClient().get_experiment_by_name(experiment)
    if found is not None and found.lifecycle_stage == "deleted":
        shown = without_password(uri)
        raise StageError(
            f"The experiment {experiment!r} of the tracking store {shown} is deleted.",
            expected="an experiment that is not deleted: models and runs of this project belong to it",
            remedy="bring it back with `MLFLOW_TRACKING_URI="
            f"{shown} mlflow experiments restore --experiment-id {found.experiment_id}`.",
        )
