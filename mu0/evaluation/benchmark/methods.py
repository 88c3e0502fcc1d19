"""The methods of the trace benchmark by name: who answers, from which checkpoint, and what it may see.

Predictors are imported when they are asked for, so that the table can be read without any of them. A new
method is one line here and one in `assets_defs/benchmark_methods.py`.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mu0.errors import StageError
from mu0.evaluation.traces.predictions import Method

MU0 = "mu0"
MU0_PREDICTOR = "mu0.model.predictor:TracePredictor"


@dataclass(frozen=True)
class MethodSpec:
    """One row of the benchmark before anything of it is loaded.

    Attributes:
        label: Name for people.
        predictor: `module:Class`; with weights it is built by `from_folder`, else from the length of the
            future.
        weights: The method whose checkpoint it asks, most often its own; None if nothing is trained.
        sees_history: Whether the past of the keypoints is shown to it.
        note: What is different, for the table's legend.
    """

    label: str
    predictor: str
    weights: str | None = None
    sees_history: bool = False
    note: str = ""


def _variant(name: str, label: str, note: str) -> MethodSpec:
    return MethodSpec(label, MU0_PREDICTOR, name, note=note)


METHODS: dict[str, MethodSpec] = {
    MU0: _variant("mu0", "μ0", "one picture and a sentence; B-splines, depth where there is some"),
    "mu0_history": MethodSpec(
        "μ0, with the past", MU0_PREDICTOR, MU0, sees_history=True, note="same weights"
    ),
    "tracegen": MethodSpec(
        "TraceGen",
        "mu0.baselines.tracegen.predictor:TraceGenPredictor",
        "tracegen",
        note="dense increments by flow matching, 100 Euler steps",
    ),
    "token_vlm": MethodSpec(
        "tokenised VLM",
        "mu0.baselines.token_vlm.predictor:TokenVlmPredictor",
        "token_vlm",
        note="the same backbone; quantised waypoints one after another",
    ),
    "raw_waypoints": _variant("raw_waypoints", "μ0, raw waypoints", "every step instead of a spline"),
    "no_features": _variant("no_features", "μ0, no features", "no image features at the keypoints"),
    "no_rigidity": _variant("no_rigidity", "μ0, no rigidity", "without the rigidity loss"),
    "no_history": _variant("no_history", "μ0, no history", "trained without any past"),
    "no_depth": _variant("no_depth", "μ0, no depth", "the picture alone, in training and after"),
    "anchor_depth": _variant("anchor_depth", "μ0, anchor depth", "an option: it reads each keypoint's depth"),
    "static": MethodSpec("static", "mu0.baselines.static:StaticPredictor", note="nothing moves"),
    "constant_velocity": MethodSpec(
        "constant velocity",
        "mu0.baselines.constant_velocity:ConstantVelocityPredictor",
        sees_history=True,
        note="goes on as before; needs the past",
    ),
}


def method_spec(name: str) -> MethodSpec:
    """The entry of `METHODS`.

    Raises:
        StageError: There is no such method.
    """
    if name not in METHODS:
        raise StageError(
            f"There is no method {name!r}.",
            expected=", ".join(METHODS),
            remedy="correct the name, or add it to mu0/evaluation/benchmark/methods.py.",
        )
    return METHODS[name]


def open_method(name: str, future_len: int, checkpoint: Path | None = None) -> Method:
    """Load a method, ready to be asked.

    Args:
        name: Of the method.
        future_len: Steps that an answer has, for methods that learn nothing.
        checkpoint: Folder of the weights, for those that do.

    Raises:
        StageError: There is no such method, or no checkpoint was named for one that needs it.
        CheckpointError: Its checkpoint is missing or damaged.
    """
    spec = method_spec(name)
    module, _, attribute = spec.predictor.partition(":")
    predictor_class: Any = getattr(importlib.import_module(module), attribute)
    if spec.weights is None:
        return Method(name, predictor_class(future_len), spec.sees_history)
    if checkpoint is None:
        raise StageError(
            f"{name} was asked without weights.",
            expected="the folder of its checkpoint",
            remedy=f"train {spec.weights} and name its folder.",
        )
    predictor = predictor_class.from_folder(checkpoint)
    n_parameters = sum(weight.numel() for weight in predictor.model.parameters())
    return Method(name, predictor, spec.sees_history, n_parameters)


def label_of(name: str) -> str:
    """The name for people; unknown names stay as they are."""
    return METHODS[name].label if name in METHODS else name
