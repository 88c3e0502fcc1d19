"""The official config.json and ours: the same model in two vocabularies.

Three sources fix our config: the official config.json (options), SmolVLM2's own config (sizes of the
backbone, which the official file names but does not hold) and the shapes of the weights (DINOv2, vocabulary).
What the official code fixes and mu0 does not offer otherwise is required to have that value. Fields that the
official file leaves out have the official code's default, which is not always the release's value.

Source
    reference/mu0.md §4.1 (fields, defaults, release values), §4.7 (width of the expert), §5.6.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from mu0.errors import CheckpointError
from mu0.model.config import WorldModelConfig
from mu0.model.lora import TARGETS

Fields = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]

SAME = {  # ours -> official
    "history_len": "history_len",
    "future_len": "future_len",
    "max_text_tokens": "tokenizer_max_length",
    "euler_steps": "num_steps",
    "text_layers": "num_vlm_layers",
    "history_group": "trace_group_horizon",
    "n_control_points": "trace_bspline_n_ctrl",
    "control_points_per_token": "trace_bspline_ctrl_per_token",
    "uv_frequencies": "trace_uv_num_freqs",
    "time_features": "trace_adaln_freq_embed_size",
    "use_depth": "use_depth",
    "lora_rank": "depth_lora_rank",
    "lora_alpha": "depth_lora_alpha",
    "depth_dropout": "depth_dropout_prob",
    "history_dropout": "trace_history_full_mask_prob",
    "keypoint_history_dropout": "trace_history_kp_dropout_prob",
    "rigidity_weight": "rigidity_loss_weight",
    "done_weight": "done_loss_weight",
    "done_bias": "done_bias_init",
    "dino_image_px": "dino_input_size",
}
REQUIRED: dict[str, Any] = {
    "trace_mode": True,
    "trace_dim": 3,
    "trace_done_head": True,
    "attention_mode": "cross_attn",
    "self_attn_every_n_layers": 2,
    "add_image_special_tokens": False,
    "prefix_length": -1,
    "min_period": 4e-3,
    "max_period": 4.0,
}
REQUIRED_WITH_DEPTH: dict[str, Any] = {"depth_clone_stem": True, "depth_lora_targets": list(TARGETS)}
REQUIRED_WITH_DINO: dict[str, Any] = {"dino_num_prefix_tokens": 1}
DEFAULTS: dict[str, Any] = {  # of the official code, for fields that a file leaves out
    **REQUIRED, **REQUIRED_WITH_DEPTH, **REQUIRED_WITH_DINO,
    "trace_mode": False, "trace_done_head": False, "history_len": 16, "future_len": 32,
    "tokenizer_max_length": 48, "num_steps": 10, "num_vlm_layers": 16, "num_expert_layers": -1,
    "expert_width_multiplier": 0.75, "resize_imgs_with_padding": [512, 512], "trace_group_horizon": 1,
    "trace_bspline_n_ctrl": 10, "trace_bspline_ctrl_per_token": 10, "trace_uv_num_freqs": 8,
    "trace_adaln_freq_embed_size": 256, "use_depth": False, "depth_lora_rank": 8, "depth_lora_alpha": 16,
    "depth_dropout_prob": 0.0, "trace_history_full_mask_prob": 0.0, "trace_history_kp_dropout_prob": 0.0,
    "rigidity_loss_weight": 0.0, "done_loss_weight": 0.5, "done_bias_init": 3.0, "use_dino": False,
    "dino_input_size": 518, "freeze_vision_encoder": True, "train_expert_only": True,
    "vlm_model_name": "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
}  # fmt: skip
TRAINING_ONLY = frozenset({  # ours; the official trainer has them as flags or not at all; predictions do not
    "preset", "spline_smoothing", "control_point_limit", "depth_dropout_whole_batch", "rigidity",
    "half_view_tangent", "moves_weight", "noise_draws", "text_dropout", "image_dropout", "two_d_share",
})  # fmt: skip
BACKBONE = {  # ours -> path in SmolVLM's config
    "vision_width": ("vision_config", "hidden_size"),
    "vision_layers": ("vision_config", "num_hidden_layers"),
    "vision_heads": ("vision_config", "num_attention_heads"),
    "vision_mlp_width": ("vision_config", "intermediate_size"),
    "patch_px": ("vision_config", "patch_size"),
    "vision_table_px": ("vision_config", "image_size"),
    "text_width": ("text_config", "hidden_size"),
    "text_heads": ("text_config", "num_attention_heads"),
    "text_kv_heads": ("text_config", "num_key_value_heads"),
    "text_mlp_width": ("text_config", "intermediate_size"),
}
DINO_HEAD_WIDTH = 64  # of every DINOv2
MLP_GRANULE = 256


def config_from_official(official: Fields, backbone: Fields, shapes: Shapes) -> WorldModelConfig:
    """Our config of an official model.

    Args:
        official: The content of the official config.json.
        backbone: Our fields named in `BACKBONE`, and `pixel_shuffle`.
        shapes: Shapes of the weights under our names.

    Raises:
        CheckpointError: The official model has an option that mu0 does not know, or sizes do not fit.
    """
    given = {**DEFAULTS, **official}
    _require(given)
    text_width = backbone["text_width"]
    expert_width = int(text_width * given["expert_width_multiplier"])
    size_px = given["resize_imgs_with_padding"] or []
    if len(set(size_px)) != 1:
        raise _unknown({"resize_imgs_with_padding": size_px}, "a square")
    same = {ours: given[theirs] for ours, theirs in SAME.items()}
    n_expert_layers = given["num_expert_layers"]
    return WorldModelConfig(
        preset="official",
        **(same | {"lora_alpha": float(same["lora_alpha"])}),
        **backbone,
        **_seen_in_weights(shapes, has_dino=given["use_dino"]),
        image_size_px=size_px[0],
        expert_layers=n_expert_layers if n_expert_layers > 0 else given["num_vlm_layers"],
        expert_width=expert_width,
        expert_mlp_width=expert_mlp_width(expert_width),
        keypoint_features="dinov2" if given["use_dino"] else "none",
        train_backbone=not (given["freeze_vision_encoder"] and given["train_expert_only"]),
    )


def sizes_of(config: WorldModelConfig) -> dict[str, Any]:
    """The fields that SmolVLM2 decides."""
    return {name: getattr(config, name) for name in (*BACKBONE, "pixel_shuffle")}


def _require(given: Fields) -> None:
    required = dict(REQUIRED)
    if given["use_depth"]:
        required |= REQUIRED_WITH_DEPTH
    if given["use_dino"]:
        required |= REQUIRED_WITH_DINO
    other = {name: given[name] for name, value in required.items() if given[name] != value}
    if other:
        raise _unknown(other, ", ".join(f"{name} = {required[name]!r}" for name in other))


def _unknown(found: Fields, expected: str) -> CheckpointError:
    return CheckpointError(
        f"The official config has {', '.join(f'{name} = {value!r}' for name, value in found.items())}.",
        expected=f"{expected}, the only kind of official model that mu0 can be",
        remedy="import a checkpoint of the released recipe; fields left out of config.json have the official "
        "code's defaults.",
    )


def _seen_in_weights(shapes: Shapes, *, has_dino: bool) -> dict[str, Any]:
    """Sizes that only the weights tell."""
    seen: dict[str, Any] = {}
    tokens = shapes.get("backbone.smolvlm.text_model.embed_tokens.weight")
    if tokens:
        seen["vocabulary_size"] = tokens[0]
    dino = "keypoint_features.dino.embeddings."
    patches = shapes.get(f"{dino}patch_embeddings.projection.weight")
    if has_dino and patches:
        prefix = "keypoint_features.dino.encoder.layer."
        layers = {name.removeprefix(prefix).split(".")[0] for name in shapes if name.startswith(prefix)}
        seen |= {
            "dino_width": patches[0],
            "dino_patch_px": patches[-1],
            "dino_layers": len(layers),
            "dino_heads": patches[0] // DINO_HEAD_WIDTH,
        }
    return seen


def expert_mlp_width(expert_width: int) -> int:
    """SmolVLA's rule: 4 · int(2/3 · width), rounded up to a multiple of 256."""
    return -(-4 * int(2 * expert_width / 3) // MLP_GRANULE) * MLP_GRANULE


def official_from_config(
    config: WorldModelConfig, vlm_model_name: str, stored: Fields, shapes: Shapes
) -> dict[str, Any]:
    """The official config.json of our config.

    Args:
        config: Ours.
        vlm_model_name: Which SmolVLM2 the backbone is.
        stored: The official config.json that the model was imported from, or what stands in for it.
        shapes: Shapes of the weights under our names.

    Raises:
        CheckpointError: The model has something that the official code cannot do.
    """
    alpha = config.lora_alpha
    same = {theirs: getattr(config, ours) for ours, theirs in SAME.items()}
    has_dino = config.keypoint_features == "dinov2"
    official = {
        **stored,
        **REQUIRED,
        **(REQUIRED_WITH_DEPTH if config.use_depth else {}),
        **(REQUIRED_WITH_DINO if has_dino else {}),
        **same,
        "depth_lora_alpha": int(alpha) if alpha == int(alpha) else alpha,
        "vlm_model_name": vlm_model_name,
        "num_expert_layers": config.expert_layers,
        "expert_width_multiplier": config.expert_width / config.text_width,
        "resize_imgs_with_padding": [config.image_size_px] * 2,
        "use_dino": has_dino,
        "freeze_vision_encoder": not config.train_backbone,
        "train_expert_only": not config.train_backbone,
    }
    back = config_from_official(official, sizes_of(config), shapes)
    lost = differences(config, back)
    if lost:
        told = (f"{name} = {getattr(config, name)!r} (official: {getattr(back, name)!r})" for name in lost)
        raise CheckpointError(
            f"The official code cannot do what this world model has: {', '.join(told)}.",
            expected="a model of the preset paper or base, or one that was imported from the release",
            remedy="train with these fields at official values; tiny and small have no official counterpart.",
        )
    return official


def differences(config: WorldModelConfig, other: WorldModelConfig) -> list[str]:
    """Fields that differ and matter for predictions."""
    names = (field.name for field in dataclasses.fields(config))
    return [n for n in names if n not in TRAINING_ONLY and getattr(config, n) != getattr(other, n)]
