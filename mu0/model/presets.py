"""Four named sizes of μ0, from seconds on a laptop to the release.

Presets
    tiny    tests; seconds
    small   embedded default, trained from scratch on two cores in minutes
    base    the SmolVLM2-500M backbone with the release's options
    paper   the release: SmolVLM2-2.2B, 20 layers, 512 px, expert half as wide
"""

from typing import Any, Literal

from mu0.model.config import WorldModelConfig

PresetName = Literal["tiny", "small", "base", "paper"]

_SMALL: dict[str, Any] = {
    "image_size_px": 128,
    "hard_anchor": True,
    "vision_width": 128,
    "vision_layers": 1,
    "vision_heads": 4,
    "vision_mlp_width": 384,
    "patch_px": 16,
    "vision_table_px": 128,
    "pixel_shuffle": 2,
    "vision_stem": "conv",
    "stem_width": 64,
    "vocabulary_size": 512,
    "max_text_tokens": 24,
    "text_width": 128,
    "text_layers": 4,
    "text_heads": 4,
    "text_kv_heads": 4,
    "text_mlp_width": 256,
    "train_backbone": True,
    "scale_embeddings": False,
    "history_as_token": False,
    "expert_width": 128,
    "expert_layers": 4,
    "expert_mlp_width": 256,
    "time_features": 128,
    "uv_frequencies": 6,
    "keypoint_features": "stem",
    "lora_rank": 4,
    "lora_alpha": 8.0,
    "depth_dropout_whole_batch": True,
    "noise_draws": 2,
    "unused_weights": False,
}
_TINY: dict[str, Any] = _SMALL | {
    "image_size_px": 64,
    "vision_table_px": 64,
    "vision_width": 32,
    "vision_heads": 2,
    "vision_mlp_width": 64,
    "stem_width": 16,
    "text_width": 32,
    "text_layers": 2,
    "text_heads": 2,
    "text_kv_heads": 1,
    "text_mlp_width": 64,
    "expert_width": 32,
    "expert_layers": 2,
    "expert_mlp_width": 64,
    "time_features": 32,
    "dino_width": 32,
    "dino_layers": 1,
    "dino_heads": 2,
    "dino_image_px": 28,
    "lora_rank": 2,
    "lora_alpha": 4.0,
}
_BASE: dict[str, Any] = {
    "vision_width": 768,
    "vision_layers": 12,
    "vision_heads": 12,
    "vision_mlp_width": 3072,
    "patch_px": 16,
    "vision_table_px": 512,
    "pixel_shuffle": 4,
    "text_width": 960,
    "text_layers": 16,
    "text_heads": 15,
    "text_kv_heads": 5,
    "text_mlp_width": 2560,
    "expert_width": 480,
    "expert_layers": 16,
    "expert_mlp_width": 1280,
    "noise_draws": 2,
}
_PRESETS: dict[str, dict[str, Any]] = {"tiny": _TINY, "small": _SMALL, "base": _BASE, "paper": {}}


def preset(name: PresetName, **changes: Any) -> WorldModelConfig:
    """The named preset with single fields changed."""
    return WorldModelConfig(**{"preset": name, **_PRESETS[name], **changes})
