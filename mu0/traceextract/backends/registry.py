"""Backends by role and name; a backend's module is imported when it is asked for, not before."""

from importlib import import_module
from typing import Literal

from mu0.errors import ExtractionError
from mu0.traceextract.backends.interfaces import (
    AbstractFeatureExtractor,
    AbstractPointTracker,
    AbstractReconstructor,
)

Role = Literal["features", "reconstructor", "tracker"]

BACKENDS: dict[Role, dict[str, str]] = {
    "features": {"descriptors": "mu0.traceextract.backends.descriptors:PatchDescriptors"},
    "reconstructor": {"rgbd": "mu0.traceextract.backends.rgbd:RgbdReconstructor"},
    "tracker": {"lucas_kanade": "mu0.traceextract.backends.lucas_kanade:LucasKanadeTracker"},
}


def _load(role: Role, name: str) -> object:
    known = BACKENDS[role]
    if name not in known:
        raise ExtractionError(
            f"extract.{role} is {name!r}.",
            expected=f"one of {', '.join(sorted(known))}",
            remedy="correct `extract` in params.yaml, or register the backend in mu0/traceextract/backends.",
        )
    module, _, kind = known[name].partition(":")
    return getattr(import_module(module), kind)()


def load_feature_extractor(name: str) -> AbstractFeatureExtractor:
    """The feature extractor called `name`.

    Raises:
        ExtractionError: There is none of that name.
    """
    backend = _load("features", name)
    assert isinstance(backend, AbstractFeatureExtractor)
    return backend


def load_reconstructor(name: str) -> AbstractReconstructor:
    """The reconstructor called `name`.

    Raises:
        ExtractionError: There is none of that name.
    """
    backend = _load("reconstructor", name)
    assert isinstance(backend, AbstractReconstructor)
    return backend


def load_point_tracker(name: str) -> AbstractPointTracker:
    """The point tracker called `name`.

    Raises:
        ExtractionError: There is none of that name.
    """
    backend = _load("tracker", name)
    assert isinstance(backend, AbstractPointTracker)
    return backend
