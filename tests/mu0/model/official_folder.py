"""A tiny folder in the official layout, with the true names of all weights.

The names are written out from reference/mu0.md §9 and on purpose not taken from mu0's own mapping.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from mu0.model.tokenizer import train_tokenizer

HUB_NAME = "someone/TinyVLM"


@dataclass(frozen=True)
class OfficialSizes:
    """Sizes of an official model; the defaults are those of the release."""

    vision: int = 1152
    vision_layers: int = 27
    vision_mlp: int = 4304
    patch: int = 14
    table: int = 27 * 27
    fold: int = 3
    vocabulary: int = 49280
    text: int = 2048
    text_mlp: int = 8192
    kv: int = 2048
    layers: int = 20
    expert: int = 1024
    expert_mlp: int = 2816
    history: int = 8
    future: int = 32
    points: int = 10
    frequencies: int = 8
    time: int = 256
    rank: int = 8
    dino: int = 768
    dino_layers: int = 12
    dino_tokens: int = 1370


TINY = OfficialSizes(
    vision=32, vision_layers=2, vision_mlp=48, table=9, fold=2, vocabulary=320, text=32, text_mlp=48, kv=16,
    layers=4, expert=16, expert_mlp=256, frequencies=3, time=16, rank=2, dino=128, dino_layers=2,
    dino_tokens=10,
)  # fmt: skip


def official_shapes(s: OfficialSizes) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every stored tensor."""
    out: dict[str, tuple[int, ...]] = {}

    def linear(name: str, n_out: int, n_in: int, *, bias: bool = True) -> None:
        out[f"{name}.weight"] = (n_out, n_in)
        if bias:
            out[f"{name}.bias"] = (n_out,)

    def norm(name: str, n: int, *, bias: bool = True) -> None:
        out[f"{name}.weight"] = (n,)
        if bias:
            out[f"{name}.bias"] = (n,)

    vlm = "model.vlm_with_expert.vlm.model"
    tower = f"{vlm}.vision_model.base_model.model"
    for stem in (f"{tower}.embeddings.patch_embedding", "model.vlm_with_expert._depth_patch_embedding"):
        out[f"{stem}.weight"] = (s.vision, 3, s.patch, s.patch)
        out[f"{stem}.bias"] = (s.vision,)
    out[f"{tower}.embeddings.position_embedding.weight"] = (s.table, s.vision)
    for i in range(s.vision_layers):
        layer = f"{tower}.encoder.layers.{i}"
        sizes = {f"self_attn.{x}_proj": (s.vision, s.vision) for x in ("q", "k", "v", "out")}
        sizes |= {"mlp.fc1": (s.vision_mlp, s.vision), "mlp.fc2": (s.vision, s.vision_mlp)}
        for name, (n_out, n_in) in sizes.items():
            linear(f"{layer}.{name}.base_layer", n_out, n_in)
            out[f"{layer}.{name}.lora_A.default.weight"] = (s.rank, n_in)
            out[f"{layer}.{name}.lora_B.default.weight"] = (n_out, s.rank)
        norm(f"{layer}.layer_norm1", s.vision)
        norm(f"{layer}.layer_norm2", s.vision)
    norm(f"{tower}.post_layernorm", s.vision)
    linear(f"{vlm}.connector.modality_projection.proj", s.text, s.vision * s.fold**2, bias=False)
    out[f"{vlm}.text_model.embed_tokens.weight"] = (s.vocabulary, s.text)
    out["model.vlm_with_expert.vlm.lm_head.weight"] = (s.vocabulary, s.text)
    for i in range(s.layers):
        _llama(out, f"{vlm}.text_model.layers.{i}", s.text, s.text, s.kv, s.text_mlp, s.text)
        k_in = s.kv if i % 2 else s.expert
        _llama(out, f"model.vlm_with_expert.lm_expert.layers.{i}", s.expert, s.text, s.kv, s.expert_mlp, k_in)
        linear(f"model.trace_adaln_modulation.{i}.1", 6 * s.expert, s.expert)
    norm(f"{vlm}.text_model.norm", s.text, bias=False)
    norm("model.vlm_with_expert.lm_expert.norm", s.expert, bias=False)
    out["model.trace_time_embedding.weight"] = (s.history + s.future, s.expert)
    out["model.trace_seg_embedding.weight"] = (2, s.expert)
    linear("model.trace_uv_pos_mlp.0", s.expert, 4 * s.frequencies)
    linear("model.trace_uv_pos_mlp.2", s.expert, s.expert)
    linear("model.trace_in_proj_history", s.expert, 3 * s.history)
    linear("model.trace_in_proj_future", s.expert, 3 * s.points)
    linear("model.trace_out_proj_future", 3 * s.points, s.expert)
    linear("model.trace_done_proj_bsp", s.future, s.expert)
    linear("model.trace_timestep_embedder.mlp.0", s.expert, s.time)
    linear("model.trace_timestep_embedder.mlp.2", s.expert, s.expert)
    linear("model.trace_dino_fuse_in", s.expert, s.expert + s.dino)
    linear("model.trace_dino_fuse_out", s.expert, s.expert)
    linear("model.action_time_mlp_in", s.expert, 2 * s.expert)
    linear("model.action_time_mlp_out", s.expert, s.expert)
    _dino(out, s)
    return out


def _llama(
    out: dict[str, tuple[int, ...]], layer: str, width: int, inner: int, kv: int, mlp: int, k_in: int
) -> None:
    out[f"{layer}.self_attn.q_proj.weight"] = (inner, width)
    out[f"{layer}.self_attn.k_proj.weight"] = (kv, k_in)
    out[f"{layer}.self_attn.v_proj.weight"] = (kv, k_in)
    out[f"{layer}.self_attn.o_proj.weight"] = (width, inner)
    out[f"{layer}.mlp.gate_proj.weight"] = (mlp, width)
    out[f"{layer}.mlp.up_proj.weight"] = (mlp, width)
    out[f"{layer}.mlp.down_proj.weight"] = (width, mlp)
    out[f"{layer}.input_layernorm.weight"] = (width,)
    out[f"{layer}.post_attention_layernorm.weight"] = (width,)


def _dino(out: dict[str, tuple[int, ...]], s: OfficialSizes) -> None:
    out["model.dino.embeddings.cls_token"] = (1, 1, s.dino)
    out["model.dino.embeddings.mask_token"] = (1, s.dino)
    out["model.dino.embeddings.position_embeddings"] = (1, s.dino_tokens, s.dino)
    out["model.dino.embeddings.patch_embeddings.projection.weight"] = (s.dino, 3, 14, 14)
    out["model.dino.embeddings.patch_embeddings.projection.bias"] = (s.dino,)
    square = ("attention.attention.query", "attention.attention.key", "attention.attention.value",
              "attention.output.dense")  # fmt: skip
    for i in range(s.dino_layers):
        layer = f"model.dino.encoder.layer.{i}"
        for name in ("norm1", "norm2"):
            out[f"{layer}.{name}.weight"] = out[f"{layer}.{name}.bias"] = (s.dino,)
        for name in square:
            out[f"{layer}.{name}.weight"] = (s.dino, s.dino)
            out[f"{layer}.{name}.bias"] = (s.dino,)
        out[f"{layer}.layer_scale1.lambda1"] = out[f"{layer}.layer_scale2.lambda1"] = (s.dino,)
        out[f"{layer}.mlp.fc1.weight"], out[f"{layer}.mlp.fc1.bias"] = (4 * s.dino, s.dino), (4 * s.dino,)
        out[f"{layer}.mlp.fc2.weight"], out[f"{layer}.mlp.fc2.bias"] = (s.dino, 4 * s.dino), (s.dino,)
    out["model.dino.layernorm.weight"] = out["model.dino.layernorm.bias"] = (s.dino,)


RELEASE_CONFIG: dict[str, Any] = {  # values of the release recipe (reference/mu0.md §4.1, §5.6)
    "type": "smolvla", "n_obs_steps": 1, "output_features": {}, "device": "cuda", "use_amp": False,
    "input_features": {
        "observation.images.cam_front": {"type": "VISUAL", "shape": [3, 512, 512]},
        "observation.images.cam_front_depth": {"type": "VISUAL", "shape": [3, 512, 512]},
    },
    "normalization_mapping": {"VISUAL": "IDENTITY", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"},
    "trace_mode": True, "history_len": 8, "future_len": 32, "trace_dim": 3, "n_min": 1, "n_max": 256,
    "vlm_model_name": "HuggingFaceTB/SmolVLM2-2.2B-Instruct", "load_vlm_weights": True, "num_vlm_layers": 20,
    "num_expert_layers": 20, "expert_width_multiplier": 0.5, "self_attn_every_n_layers": 2,
    "attention_mode": "cross_attn", "freeze_vision_encoder": True, "train_expert_only": True,
    "resize_imgs_with_padding": [512, 512], "tokenizer_max_length": 48, "num_steps": 4,
    "trace_group_horizon": 8, "trace_bspline_n_ctrl": 10, "trace_bspline_ctrl_per_token": 10,
    "trace_uv_num_freqs": 8, "trace_adaln_freq_embed_size": 256, "min_period": 0.004, "max_period": 4.0,
    "trace_history_full_mask_prob": 0.5, "trace_history_kp_dropout_prob": 0.3, "use_depth": True,
    "depth_lora_rank": 8, "depth_lora_alpha": 16, "depth_lora_dropout": 0.0, "depth_clone_stem": True,
    "depth_lora_targets": ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"], "depth_dropout_prob": 0.7,
    "use_dino": True, "dino_model_name": "facebook/dinov2-base", "dino_input_size": 518,
    "dino_num_prefix_tokens": 1, "rigidity_loss_weight": 5.0, "trace_done_head": True,
    "done_loss_weight": 0.5, "done_bias_init": 3.0, "done_threshold": 0.5,
    "delta_scale": [0.6625, 0.7411, 0.2075], "add_image_special_tokens": False, "prefix_length": -1,
}  # fmt: skip
TINY_CONFIG = RELEASE_CONFIG | {
    "vlm_model_name": HUB_NAME, "num_vlm_layers": 4, "num_expert_layers": -1,
    "resize_imgs_with_padding": [56, 56], "trace_uv_num_freqs": 3, "trace_adaln_freq_embed_size": 16,
    "depth_lora_rank": 2, "depth_lora_alpha": 4, "dino_input_size": 42,
}  # fmt: skip
STATISTICS = {
    "delta_scale_x": 0.6625, "delta_scale_y": 0.7411, "delta_scale_z": 0.2075, "percentile": 95.0,
    "num_samples": 60000000, "history_len": 8, "future_len": 32, "target_kind": "anchor",
    "video_fraction": 1.0, "depth_log_min": -1.3824, "depth_log_max": 0.7629, "depth_p1_m": 0.251,
    "depth_p99_m": 2.145, "depth_num_samples": 1000, "depth_num_dirs": 10, "depth_percentile_low": 1.0,
    "depth_percentile_high": 99.0,
}  # fmt: skip
BACKBONE_CONFIG = {  # of SmolVLM2's own config.json; 42 px over 14 px patches make a table of 3 x 3
    "model_type": "smolvlm", "scale_factor": 2,
    "vision_config": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
                      "intermediate_size": 48, "patch_size": 14, "image_size": 42},
    "text_config": {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 6,
                    "num_attention_heads": 4,
                    "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 48, "vocab_size": 320},
}  # fmt: skip


def official_weights(sizes: OfficialSizes = TINY, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights, frozen ones in bfloat16 as in the release."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in official_shapes(sizes).items():
        scale = 0.3 if "lora_" in name or "adaln" in name else 0.15
        value = torch.randn(shape, generator=generator) * scale
        if "norm" in name and name.endswith("weight"):
            value = value + 1
        is_bf16 = name.startswith(("model.vlm_with_expert.vlm", "model.dino.")) and "lora_" not in name
        weights[name] = value.to(torch.bfloat16) if is_bf16 else value
    return weights


def write_official(folder: Path) -> Path:
    """`final_ckpt/`, `normalizer_stats.json` beside it, and `smolvlm2/` with the backbone's own files."""
    source = folder / "final_ckpt"
    source.mkdir(parents=True)
    (source / "config.json").write_text(json.dumps(TINY_CONFIG, indent=4))
    (source / "meta.json").write_text(json.dumps({"step": 200000}))
    (folder / "normalizer_stats.json").write_text(json.dumps(STATISTICS, indent=2))
    save_file(official_weights(), source / "model.safetensors", metadata={"format": "pt"})
    (folder / "smolvlm2").mkdir()
    (folder / "smolvlm2/config.json").write_text(json.dumps(BACKBONE_CONFIG))
    train_tokenizer(["open the drawer", "pick up the cup"], 300, 48).write(folder / "smolvlm2/tokenizer.json")
    return source
