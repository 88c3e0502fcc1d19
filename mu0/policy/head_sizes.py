"""Named sizes of the action expert, and what each reads of the frozen world model.

    small    the embedded default
    base     twice the weights on the same features: the paper's 200 M against 400 M at our scale
    paper    width, depth and query grid of the release's expert; a GPU's work

Sources
    The ablation: arXiv:2606.13769. The release: reference/mu0.md §8.1 (18 layers of width 1024, 8 heads, and
    20 x 20 keypoints). Its expert is a Gemma; ours reads the features by cross-attention, so equal width
    and depth do not give equal weights (docs/training.md has both counts).
"""

from dataclasses import dataclass
from typing import Any

from mu0.model.config import WorldModelConfig
from mu0.params.action_expert import SizeName
from mu0.policy.frozen_features import FeatureConfig


@dataclass(frozen=True)
class HeadSize:
    """Width, heads and blocks of an expert; keypoints along one side of the query grid."""

    width: int
    heads: int
    blocks: int
    grid: int


HEAD_SIZES: dict[SizeName, HeadSize] = {
    "small": HeadSize(width=128, heads=4, blocks=2, grid=8),
    "base": HeadSize(width=192, heads=6, blocks=2, grid=8),
    "paper": HeadSize(width=1024, heads=8, blocks=18, grid=20),
}


def feature_sizes(model: WorldModelConfig, features: FeatureConfig) -> dict[str, Any]:
    """Fields of `ActionExpertConfig` that follow from a world model, found without running it.

    Args:
        model: The world model's.
        features: How they are taken.
    """
    n_image_tokens = (model.image_size_px // model.patch_px // model.pixel_shuffle) ** 2
    coarse = model.dino_width if model.keypoint_features == "dinov2" else model.text_width
    return {
        "prefix_width": model.text_width,
        "prefix_len": n_image_tokens + model.max_text_tokens,
        "n_image_tokens": n_image_tokens,
        "trace_width": model.expert_width,
        "trace_len": (features.grid // features.pool) ** 2,
        "map_channels": model.stem_width if model.vision_stem == "conv" else coarse,
    }
