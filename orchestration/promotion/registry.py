"""The model registry: versions that know where they come from and whether they are whole; three aliases.

challenger  what was trained last
champion    what passed all gates
previous    the champion before, to go back to
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets_defs.tracking import LAST_RUNS
from assets_defs.tracking_models import log_pyfunc
from mu0.files import read_json, sha256_of_tree
from orchestration.promotion.verify_registry import (
    SHA_TAG,
    STORED_TAG,
    StoredFault,
    local_copy,
    sha256_of_stored,
    stored_fault,
)

CHALLENGER, CHAMPION, PREVIOUS = ALIASES = ("challenger", "champion", "previous")
METRIC_TAG = "metric/"
ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}  # no such model, version or alias


@dataclass(frozen=True)
class Version:
    """A registered model version."""

    number: str
    sha256: str
    metrics: dict[str, float]
    tags: dict[str, str] = field(default_factory=dict)


class Registry:
    """Versions and aliases of one registered model, in the store that was opened (`configure_mlflow`)."""

    def __init__(self, name: str, root: Path) -> None:
        from mlflow import MlflowClient

        self.name = name
        self._root = root
        self._client = MlflowClient()

    def by_alias(self, alias: str) -> Version | None:
        """The version that an alias points to; None also where that version was deleted."""
        from mlflow.exceptions import MlflowException

        try:
            return _version(self._client.get_model_version_by_alias(self.name, alias))
        except MlflowException as error:
            if error.error_code in ABSENT:
                return None
            raise

    def find(self, sha256: str) -> Version | None:
        """The newest version with these bytes, where there is one; one whose files are whole comes first."""
        found = [_version(one) for one in self._client.search_model_versions(f"name = '{self.name}'")]
        same = sorted((one for one in found if one.sha256 == sha256), key=lambda one: -int(one.number))
        return next((one for one in same if self.fault(one) is None), same[0] if same else None)

    def fault(self, version: Version) -> StoredFault | None:
        """What is wrong with the stored files of a version; they are read and hashed each time."""
        location = self._client.get_model_version_download_uri(self.name, version.number)
        return stored_fault(location, version.sha256, version.tags.get(STORED_TAG, ""))

    def register(self, folder: Path, stage: str, tags: Mapping[str, str]) -> Version:
        """Register a model folder; what the stage's own run has logged is used if it is the same model."""
        import mlflow

        sha256 = sha256_of_tree(folder)
        record_path = self._root / LAST_RUNS / f"{stage}.json"
        record = read_json(record_path) if record_path.is_file() else {}
        uri = record.get("model_uri") if record.get("model_sha256") == sha256 else None
        if uri is None or not self._is_stored(uri, sha256):
            with mlflow.start_run(run_name=f"promotion {stage}", tags=dict(tags)):
                uri = log_pyfunc(folder)
        created = mlflow.register_model(uri, self.name, tags={**tags, SHA_TAG: sha256})
        number = str(created.version)
        with local_copy(self._client.get_model_version_download_uri(self.name, number)) as stored:
            whole = {STORED_TAG: sha256_of_stored(stored)} if stored else {}
        self.tag(number, whole)
        return Version(number, sha256, _metrics(tags), {**tags, SHA_TAG: sha256, **whole})

    def point(self, alias: str, version: Version) -> None:
        """Move an alias."""
        self._client.set_registered_model_alias(self.name, alias, version.number)

    def unpoint(self, alias: str) -> None:
        """Remove an alias."""
        self._client.delete_registered_model_alias(self.name, alias)

    def aliases_of(self, version: Version) -> list[str]:
        """Our aliases that point to a version."""
        pointed = {alias: self.by_alias(alias) for alias in ALIASES}
        return [alias for alias, one in pointed.items() if one and one.number == version.number]

    def tag(self, number: str, tags: Mapping[str, str]) -> None:
        """Write tags of a version; an empty value removes one."""
        for name, value in tags.items():
            if value:
                self._client.set_model_version_tag(self.name, number, name, value)
            else:
                self._client.delete_model_version_tag(self.name, number, name)

    def _is_stored(self, uri: str, sha256: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            logged = self._client.get_logged_model(uri.removeprefix("models:/"))
        except MlflowException:
            return False
        return stored_fault(logged.artifact_location, sha256) is None


def _version(entity: Any) -> Version:
    tags = dict(entity.tags)
    return Version(str(entity.version), tags.get(SHA_TAG, ""), _metrics(tags), tags)


def _metrics(tags: Mapping[str, str]) -> dict[str, float]:
    return {
        name.removeprefix(METRIC_TAG): float(value)
        for name, value in tags.items()
        if name.startswith(METRIC_TAG)
    }
