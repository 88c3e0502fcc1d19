"""Which learned backends could run on this machine, as `mu0 doctor` tells it; nothing is loaded or fetched.

A backend is ready if its code can be imported and weights of its default model lie in `models/` or in the
cache of the hub. Backends without a default model are ready as far as their code is: the user names the file.
"""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from mu0.params.learned import DEFAULT_MODELS, LearnedParams
from mu0.traceextract.backends.hands_python import hands_python
from mu0.traceextract.backends.registry import LEARNED

CODE = {
    "vggt": ("vggt",),
    "spatialtracker_v2": ("models.SpaTrackV2",),
    "tapir": ("tapnet", "einshape", "tree"),
    "tapnext": ("tapnet", "torchvision"),
}


@dataclass(frozen=True)
class Readiness:
    """Whether a learned backend could run here, and what it lacks."""

    backend: str
    lacks: str = ""


def learned_backends(models: Path) -> list[Readiness]:
    """All learned backends, in the order of the registry; weights may lie in a folder of `models`."""
    names = [name for role in LEARNED.values() for name in role]
    return [Readiness(name, _lacking(name, models)) for name in names]


def _lacking(backend: str, models: Path) -> str:
    if backend in LEARNED["hands"]:
        return "" if hands_python(LearnedParams()) else "environment (.venv-hands)"
    absent = [module for module in CODE.get(backend, ("transformers",)) if not _is_installed(module)]
    if backend != "cotracker3" and absent:
        return f"code ({', '.join(absent)})"
    if backend in DEFAULT_MODELS and not _has_weights(DEFAULT_MODELS[backend], models):
        return f"weights ({DEFAULT_MODELS[backend]})"
    return ""


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # the package around it is absent
        return False


def _has_weights(model: str, models: Path) -> bool:
    if (models / model.rpartition("/")[2]).is_dir():
        return True
    if model == DEFAULT_MODELS["cotracker3"]:
        import torch

        return (Path(torch.hub.get_dir()) / "facebookresearch_co-tracker_main").is_dir()
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(model, "config.json"), str)


def broken_torchvision() -> str:
    """Why torchvision cannot be imported though it is installed; empty if all is well.

    A torchvision that does not fit torch takes most of transformers with it, so that none at all is better.
    """
    if not _is_installed("torchvision"):
        return ""
    try:
        import_module("torchvision")
    except (ImportError, RuntimeError, OSError) as error:
        return str(error).partition("\n")[0]
    return ""
