"""Tiny randomly initialised models of the true classes, saved to disk as their makers publish them."""

import warnings
from pathlib import Path

import torch


def _save(model: torch.nn.Module, folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder)
    return str(folder)


def _width() -> dict[str, int]:
    return {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def dinov2(folder: Path, *, registers: bool = False) -> str:
    import transformers as t

    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 70}
    if registers:
        config = t.Dinov2WithRegistersConfig(**size, patch_size=14, num_register_tokens=4)
        return _save(t.Dinov2WithRegistersModel(config), folder)
    return _save(t.Dinov2Model(t.Dinov2Config(**size, patch_size=14)), folder)


def dinov3(folder: Path) -> str:
    import transformers as t

    torch.manual_seed(0)
    config = t.DINOv3ViTConfig(**_width(), image_size=64, patch_size=16, num_register_tokens=4)
    return _save(t.DINOv3ViTModel(config), folder)


def siglip2(folder: Path, *, naflex: bool) -> str:
    import transformers as t

    torch.manual_seed(0)
    if naflex:
        config = t.Siglip2VisionConfig(**_width(), patch_size=16, num_patches=16)
        return _save(t.Siglip2VisionModel(config), folder)
    config = t.SiglipVisionConfig(**_width(), image_size=64, patch_size=16)
    return _save(_without_mixing(t.SiglipVisionModel(config)), folder)


def siglip2_with_text(folder: Path) -> str:
    """As published: vision and text towers in one file."""
    import transformers as t

    torch.manual_seed(0)
    vision, text = (
        _width() | {"image_size": 64, "patch_size": 16},
        _width() | {"vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1},
    )
    model = t.SiglipModel(t.SiglipConfig(vision_config=vision, text_config=text))
    return _save(_without_mixing(model), folder)


def _without_mixing(model: torch.nn.Module) -> torch.nn.Module:
    """SigLIP's random weights mix all tokens; without that a token is about its own patch."""
    for name, weight in model.named_parameters():
        if name.endswith("self_attn.out_proj.weight"):
            weight.data.zero_()
    return model


def depth_anything(folder: Path, kind: str = "metric", max_depth: int = 2) -> str:
    import transformers as t

    torch.manual_seed(0)
    backbone = t.Dinov2Config(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, image_size=56, patch_size=14,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    config = t.DepthAnythingConfig(
        backbone_config=backbone, neck_hidden_sizes=[8, 16, 32, 32], fusion_hidden_size=16,
        head_hidden_size=8, reassemble_hidden_size=32, patch_size=14, depth_estimation_type=kind,
        max_depth=max_depth,
    )  # fmt: skip
    model = t.DepthAnythingForDepthEstimation(config)
    for name, weight in model.named_parameters():
        if name.startswith(("head", "neck")) and weight.ndim > 1:
            weight.data *= 6  # as they are, the depth is the same everywhere to seven digits
    return _save(model, folder)


def depth_pro(folder: Path, *, field_of_view: bool = True) -> str:
    import transformers as t

    torch.manual_seed(0)
    part = {
        "model_type": "dinov2", "num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 1,
        "patch_size": 4,
    }  # fmt: skip
    config = t.DepthProConfig(
        patch_size=32, image_model_config=dict(part), patch_model_config=dict(part),
        fov_model_config=dict(part), fusion_hidden_size=16, intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[16, 16], scaled_images_ratios=[0.25, 0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.5, 0.25], scaled_images_feature_dims=[16, 16, 16],
        use_fov_model=field_of_view, num_fov_head_layers=2, merge_padding_value=0,
    )  # fmt: skip
    return _save(t.DepthProForDepthEstimation(config), folder)
