"""Backends by role and name; a backend's module is imported when it is asked for, not before.

Each lies in the room whose step it does: reconstructors in `reconstruction`, trackers in `tracking`, feature
extractors in `keypoints`, landmarkers in `hands`. All rooms stand on this one, so it knows them by their
addresses only.

Learned backends are told their own name, for several share a class, and `extract.learned`.
"""

from importlib import import_module
from typing import Literal

from mu0.errors import ExtractionError
from mu0.params.learned import LearnedParams
from mu0.traceextract.backends.interfaces import (
    AbstractFeatureExtractor,
    AbstractHandLandmarker,
    AbstractPointTracker,
    AbstractReconstructor,
)

Role = Literal["features", "reconstructor", "tracker", "hands"]
ROOMS = "mu0.traceextract"
FEATURES = f"{ROOMS}.keypoints.vision_features:VisionFeatures"
DEPTH = f"{ROOMS}.reconstruction.monocular_depth:MonocularDepth"
VIEWS = f"{ROOMS}.reconstruction.multi_view:MultiView"

EMBEDDED: dict[Role, dict[str, str]] = {
    "features": {"descriptors": f"{ROOMS}.keypoints.descriptors:PatchDescriptors"},
    "reconstructor": {"rgbd": f"{ROOMS}.reconstruction.rgbd:RgbdReconstructor"},
    "tracker": {"lucas_kanade": f"{ROOMS}.tracking.lucas_kanade:LucasKanadeTracker"},
    "hands": {},
}
LEARNED: dict[Role, dict[str, str]] = {
    "features": {"dinov2": FEATURES, "dinov3": FEATURES, "siglip2": FEATURES},
    "reconstructor": {"depth_anything": DEPTH, "depth_pro": DEPTH, "vggt": VIEWS, "spatialtracker_v2": VIEWS},
    "tracker": {
        "tapir": f"{ROOMS}.tracking.tapir:Tapir",
        "tapnext": f"{ROOMS}.tracking.tapnext:TapNext",
        "cotracker3": f"{ROOMS}.tracking.cotracker:CoTracker",
    },
    "hands": {"mediapipe": f"{ROOMS}.hands.mediapipe_hands:MediapipeHands"},
}


def _load(role: Role, name: str, learned: LearnedParams | None) -> object:
    known = EMBEDDED[role] | LEARNED[role]
    if name not in known:
        raise ExtractionError(
            f"extract.{role} is {name!r}.",
            expected=f"one of {', '.join(sorted(known))}",
            remedy="correct `extract` in params.yaml, or register the backend in "
            "mu0/traceextract/backends/registry.py.",
        )
    module, _, kind = known[name].partition(":")
    backend = getattr(import_module(module), kind)
    return backend() if name in EMBEDDED[role] else backend(name, learned or LearnedParams())


def load_feature_extractor(name: str, learned: LearnedParams | None = None) -> AbstractFeatureExtractor:
    """The feature extractor called `name`.

    Raises:
        ExtractionError: There is none of that name.
    """
    backend = _load("features", name, learned)
    assert isinstance(backend, AbstractFeatureExtractor)
    return backend


def load_reconstructor(name: str, learned: LearnedParams | None = None) -> AbstractReconstructor:
    """The reconstructor called `name`.

    Raises:
        ExtractionError: There is none of that name.
    """
    backend = _load("reconstructor", name, learned)
    assert isinstance(backend, AbstractReconstructor)
    return backend


def load_point_tracker(name: str, learned: LearnedParams | None = None) -> AbstractPointTracker:
    """The point tracker called `name`.

    Raises:
        ExtractionError: There is none of that name.
    """
    backend = _load("tracker", name, learned)
    assert isinstance(backend, AbstractPointTracker)
    return backend


def load_hand_landmarker(name: str, learned: LearnedParams | None = None) -> AbstractHandLandmarker:
    """The hand landmarker called `name`.

    Raises:
        ExtractionError: There is none of that name, or its environment is missing.
    """
    backend = _load("hands", name, learned)
    assert isinstance(backend, AbstractHandLandmarker)
    return backend
