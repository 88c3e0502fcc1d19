"""Which weights an extraction ran with: a part of an episode's address in the cache.

Other weights under the same name must not find the episodes of the former ones. A local folder or file counts
by the bytes of its files; a name on the hub by the revision that lies in the hub's cache.
"""

from functools import cache
from pathlib import Path

from mu0.files import sha256_of
from mu0.params.extract import ExtractParams
from mu0.params.learned import DEFAULT_MODELS, model_of
from mu0.traceextract.backends.hands_python import hands_python, installed_version
from mu0.traceextract.backends.licences import LICENCES
from mu0.traceextract.backends.loading import Weights


def weights_version(params: ExtractParams) -> dict[str, str]:
    """Learned backend to the version of its weights; empty if `params` names embedded backends only."""
    learned = params.learned
    given = {
        params.features: learned.features_model,
        params.reconstructor: learned.depth_model,
        params.tracker: learned.tracker_model,
    }
    found: dict[str, str] = {
        backend: _version(model_of(backend, model))
        for backend, model in given.items()
        if backend in LICENCES and (model is not None or backend in DEFAULT_MODELS)
    }
    if params.hands != "off" and (python := hands_python(learned)) is not None:
        found[params.hands] = installed_version(python)
    return found


def _version(model: str) -> str:
    place = Path(model).expanduser()
    if place.is_file():
        return _hash(place)
    if place.is_dir():  # weights lie at the top; what is below (of a clone) is code and its history
        files = sorted(path for path in place.iterdir() if path.is_file())
        return ",".join(f"{path.name}:{_hash(path)}" for path in files)
    if Weights("", model, "").is_local:
        return ""  # it is missing, and loading it will say so
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json")
    return Path(found).parent.name if isinstance(found, str) else ""


def _hash(path: Path) -> str:
    status = path.stat()
    return _hash_of(path, status.st_size, status.st_mtime_ns)


@cache
def _hash_of(path: Path, size: int, changed_ns: int) -> str:
    """Gigabytes are hashed once per process, and again when they change."""
    del size, changed_ns
    return sha256_of(path)
