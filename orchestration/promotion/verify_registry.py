"""Are the files of a registered version there, and are they what was registered?

An alias is a row in a database; the files lie elsewhere and get lost without it (a moved folder, a deleted
`mlruns`, a bad disk). Every verdict about a version therefore begins here.

    model/sha256         the trained folder, written by promotion when the version was made
    model/stored_sha256  all of the stored files: MLflow's description, the code, the weights, an expert's μ0
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from mu0.files import sha256_of_tree

SHA_TAG = "model/sha256"
STORED_TAG = "model/stored_sha256"
DESCRIPTION = "MLmodel"
WRITTEN_BY_READERS = frozenset({"registered_model_meta"})  # MLflow notes there who loaded the model last


@dataclass(frozen=True)
class StoredFault:
    """What is wrong with the files of a version."""

    place: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected}, found {self.found}"


def stored_fault(location: str, sha256: str, stored_sha256: str = "") -> StoredFault | None:
    """Re-hash stored files.

    Args:
        location: Where MLflow says that they are; a folder, or an address it can download from.
        sha256: Of the trained folder.
        stored_sha256: Of everything stored; empty for versions that do not know it.

    Returns:
        The first fault, or None when all is as registered.
    """
    with local_copy(location) as folder:
        if folder is None or not folder.is_dir():
            return StoredFault(location, "the files of the version", "nothing")
        model = stored_model(folder)
        if model is None:
            return StoredFault(
                f"{location}/{DESCRIPTION}", "a description of the model", "none, or a damaged one"
            )
        if not (folder / model).is_dir():
            return StoredFault(f"{location}/{model}", "the trained model", "nothing")
        found = sha256_of_tree(folder / model)
        if found != sha256:
            return StoredFault(
                f"{location}/{model}", f"sha256 {sha256 or 'in the tag ' + SHA_TAG}", f"sha256 {found}"
            )
        found = sha256_of_stored(folder)
        if stored_sha256 and found != stored_sha256:
            return StoredFault(location, f"sha256 {stored_sha256} of all files", f"sha256 {found}")
    return None


def sha256_of_stored(folder: Path) -> str:
    """Hash of everything that was stored, without what readers leave behind."""
    return sha256_of_tree(folder, leaving_out=WRITTEN_BY_READERS)


def stored_model(folder: Path) -> str | None:
    """Where the trained folder lies among stored files; None without a readable description."""
    try:
        description = yaml.safe_load((folder / DESCRIPTION).read_text())
        return str(description["flavors"]["python_function"]["artifacts"]["model"]["path"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        return None


@contextmanager
def local_copy(location: str) -> Iterator[Path | None]:
    """The files as a local folder; None where they cannot be had."""
    parts = urlsplit(location)
    if parts.scheme in {"", "file"}:
        yield Path(unquote(parts.path))
        return
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory(prefix="mu0_registry_") as folder:
        try:
            path = Path(download_artifacts(artifact_uri=location, dst_path=folder))
        except (MlflowException, OSError):
            path = None
        yield path
