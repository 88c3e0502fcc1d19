"""The model registry: versions that know where they come from, and three aliases.

challenger  what was trained last
champion    what passed all gates
previous    the champion before, to go back to
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets_defs.tracking import LAST_RUNS, configure_mlflow
from assets_defs.tracking_models import log_pyfunc
from mu0.files import read_json, sha256_of_tree

CHALLENGER, CHAMPION, PREVIOUS = "challenger", "champion", "previous"
SHA_TAG = "model/sha256"
METRIC_TAG = "metric/"


@dataclass(frozen=True)
class Version:
    """A registered model version."""

    number: str
    sha256: str
    metrics: dict[str, float]


class Registry:
    """Versions and aliases of one registered model."""

    def __init__(self, name: str, root: Path) -> None:
        configure_mlflow()
        from mlflow import MlflowClient

        self.name = name
        self._root = root
        self._client = MlflowClient()

    def by_alias(self, alias: str) -> Version | None:
        """The version that an alias points to."""
        from mlflow.exceptions import MlflowException

        try:
            return _version(self._client.get_model_version_by_alias(self.name, alias))
        except MlflowException as error:
            if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
                return None  # no such model, or no such alias
            raise

    def find(self, sha256: str) -> Version | None:
        """The version with these bytes, where there is one."""
        found = self._client.search_model_versions(f"name = '{self.name}'")
        return next((_version(one) for one in found if one.tags.get(SHA_TAG) == sha256), None)

    def register(self, folder: Path, stage: str, tags: dict[str, str]) -> Version:
        """Register a model folder; what the stage's own run has logged is used if it is the same model."""
        import mlflow

        sha256 = sha256_of_tree(folder)
        record_path = self._root / LAST_RUNS / f"{stage}.json"
        record = read_json(record_path) if record_path.is_file() else {}
        uri = record.get("model_uri") if record.get("model_sha256") == sha256 else None
        if uri is None or not self._is_stored(uri):
            with mlflow.start_run(run_name=f"promotion {stage}", tags=tags):
                uri = log_pyfunc(folder)
        created = mlflow.register_model(uri, self.name, tags={**tags, SHA_TAG: sha256})
        return Version(str(created.version), sha256, _metrics({**tags}))

    def point(self, alias: str, version: Version) -> None:
        """Move an alias."""
        self._client.set_registered_model_alias(self.name, alias, version.number)

    def _is_stored(self, uri: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_logged_model(uri.removeprefix("models:/"))
        except MlflowException:
            return False
        return True


def _version(entity: Any) -> Version:
    return Version(str(entity.version), entity.tags.get(SHA_TAG, ""), _metrics(entity.tags))


def _metrics(tags: dict[str, str]) -> dict[str, float]:
    return {
        name.removeprefix(METRIC_TAG): float(value)
        for name, value in tags.items()
        if name.startswith(METRIC_TAG)
    }
