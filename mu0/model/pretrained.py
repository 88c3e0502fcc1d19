"""What the frozen parts of a world model start from: pretrained weights, or random ones on request.

Presets whose backbone is trained need nothing. A frozen part without weights is refused before anything long
starts: an expert can learn little from a backbone that knows nothing. The word `random` is for tests and for
measuring speed; the checkpoint then says so.

Entry points
    find_weights     params -> where the weights of every frozen part lie
    start_tokenizer  the backbone's own tokenizer, or one trained on the captions
    fill_frozen      pretrained weights into a fresh model
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mu0.errors import WeightsError
from mu0.model.config import WorldModelConfig
from mu0.model.interchange.backbone_files import HUB_2B, HUB_500M
from mu0.model.network import TraceNetwork
from mu0.model.pretrained_files import PretrainedFiles, Wanted, find_files
from mu0.model.pretrained_fill import (
    backbone_tokenizer,
    check_backbone,
    check_features,
    fill_backbone,
    fill_features,
)
from mu0.model.tokenizer import CaptionTokenizer, train_tokenizer
from mu0.params.world_model import WorldModelParams

Random = Literal["random"]
RANDOM: Random = "random"
BACKBONES = {"base": HUB_500M, "paper": HUB_2B}  # preset -> name on the hub
FEATURES = "facebook/dinov2-base"
OPTIONS = {"backbone": "backbone_model", "features": "features_model"}  # part -> key of params.yaml


@dataclass(frozen=True)
class StartingWeights:
    """Where the frozen parts of a model come from; None: not said, or not frozen."""

    backbone: PretrainedFiles | Random | None = None
    features: PretrainedFiles | Random | None = None

    @property
    def facts(self) -> dict[str, str]:
        """Frozen part -> its origin, for records and keys; empty where all weights are trained."""
        parts = {"backbone": self.backbone, "features": self.features}
        return {name: str(part) for name, part in parts.items() if part is not None}

    def label(self, data: str) -> str:
        """How a model that starts so and learns from `data` is called in its checkpoint."""
        if not self.facts:
            return f"trained from scratch on {data}"
        return f"trained on {data}; frozen: " + ", ".join(
            f"{name} {'of RANDOM WEIGHTS' if origin == RANDOM else origin}"
            for name, origin in self.facts.items()
        )


NO_WEIGHTS = StartingWeights()


def find_weights(config: WorldModelConfig, params: WorldModelParams) -> StartingWeights:
    """Find (or download) what the frozen parts of a model start from, and check that the sizes fit.

    Raises:
        WeightsError: It is not said, not there, incomplete, or of another size.
    """
    backbone, features = params.backbone_model or BACKBONES.get(config.preset), params.features_model
    frozen = frozen_parts(config)
    weights = StartingWeights(
        _find("backbone", backbone, params.backbone_revision, BACKBONES.get(config.preset, HUB_500M))
        if "backbone" in frozen
        else None,
        _find("features", features or FEATURES, params.features_revision, FEATURES)
        if "features" in frozen
        else None,
    )
    require_weights(config, weights)
    if isinstance(weights.backbone, PretrainedFiles):
        check_backbone(config, weights.backbone)
    if isinstance(weights.features, PretrainedFiles):
        check_features(config, weights.features)
    return weights


def require_weights(config: WorldModelConfig, weights: StartingWeights) -> None:
    """Refuse frozen parts of which nobody said what they start from.

    Raises:
        WeightsError: There are some; says which.
    """
    lacking = [part for part in frozen_parts(config) if part not in weights.facts]
    if lacking:
        keys = " and ".join(f"world_model.{OPTIONS[part]}" for part in lacking)
        raise WeightsError(
            f"The preset {config.preset} never trains its {' and '.join(lacking)}, and no weights are "
            "given: what it learns would rest on random numbers.",
            expected=f"pretrained weights for the {' and '.join(lacking)}",
            remedy=f"set {keys} to a folder or a name on the hub, or to `random` for tests and for "
            "measuring speed.",
        )


def frozen_parts(config: WorldModelConfig) -> list[str]:
    """The parts of a model that training leaves as they are."""
    parts = {"backbone": not config.train_backbone, "features": config.keypoint_features == "dinov2"}
    return [name for name, is_frozen in parts.items() if is_frozen]


def start_tokenizer(
    config: WorldModelConfig, captions: Sequence[str], weights: StartingWeights
) -> CaptionTokenizer:
    """The tokenizer that belongs to a pretrained backbone; for any other, one trained on the captions."""
    if isinstance(weights.backbone, PretrainedFiles):
        return backbone_tokenizer(config, weights.backbone)
    return train_tokenizer(captions, config.vocabulary_size, config.max_text_tokens)


def fill_frozen(model: TraceNetwork, weights: StartingWeights) -> None:
    """Copy pretrained weights into a fresh model; nothing else in it changes.

    Raises:
        WeightsError: They cannot be read or do not fit.
    """
    if isinstance(weights.backbone, PretrainedFiles):
        fill_backbone(model, weights.backbone)
    if isinstance(weights.features, PretrainedFiles):
        fill_features(model, weights.features)


def _find(part: str, model: str | None, revision: str, example: str) -> PretrainedFiles | Random | None:
    if model is None:
        return None
    if model == RANDOM:
        return RANDOM
    wanted = Wanted(OPTIONS[part], model, revision, example)
    return find_files(wanted, with_tokenizer=part == "backbone")
