"""Tiny random SmolVLM and DINOv2 folders, saved by transformers itself as their makers publish them."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

from mu0.dataset.statistics import NormalizerStats
from mu0.model.config import WorldModelConfig
from mu0.model.presets import preset
from mu0.model.pretrained import StartingWeights, find_weights
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.params.world_model import TrainParams, WorldModelParams
from mu0.training.world_model import build_model

CAPTIONS = ["pick the red apple into the sink", "open the drawer"]
STATISTICS = NormalizerStats(0.9, 0.5, 0.1, 1, 8, 32, depth_log_min=-1.0, depth_log_max=1.0)
TRAIN = TrainParams(steps=1)
Saved = tuple[Path, Any, Any]  # a folder with vlm/ and dino/, and the two models
WORDS = ["put the kettle on the stove", "close the door"]
TEXT_LAYERS, SPARE_LAYERS = 2, 1


def frozen_config(**changes: Any) -> WorldModelConfig:
    """The preset base in tiny: frozen backbone, frozen DINOv2, language head carried along."""
    sizes: dict[str, Any] = {
        "image_size_px": 64, "vision_table_px": 64, "vision_width": 32, "vision_layers": 2, "vision_heads": 2,
        "vision_mlp_width": 64, "patch_px": 16, "pixel_shuffle": 2, "vocabulary_size": 300,
        "max_text_tokens": 24, "text_width": 32, "text_layers": TEXT_LAYERS, "text_heads": 2,
        "text_kv_heads": 1, "text_mlp_width": 64, "expert_width": 32, "expert_layers": 2,
        "expert_mlp_width": 64, "time_features": 32, "dino_width": 32, "dino_layers": 1, "dino_heads": 2,
        "dino_image_px": 28, "lora_rank": 2, "lora_alpha": 4.0,
    }  # fmt: skip
    return preset("base", **{**sizes, **changes})


def save_backbone(
    folder: Path, *, tie: bool = False, **text_changes: Any
) -> transformers.SmolVLMForConditionalGeneration:
    """A SmolVLM of those sizes with one text layer more, and a tokenizer that no caption was shown."""
    text = {
        "model_type": "llama", "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": TEXT_LAYERS + SPARE_LAYERS, "num_attention_heads": 2, "num_key_value_heads": 1,
        "rms_norm_eps": 1e-5, "pad_token_id": 0, "initializer_range": 0.2,
    }  # fmt: skip
    vision = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
        "image_size": 64, "patch_size": 16, "initializer_range": 0.2,
    }  # fmt: skip
    config = transformers.SmolVLMConfig(
        vision_config=vision,
        text_config=text | text_changes,
        scale_factor=2,
        image_token_id=3,
        pad_token_id=0,
        tie_word_embeddings=tie,
    )
    torch.manual_seed(1)
    model = transformers.SmolVLMForConditionalGeneration(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    _save(model, folder)
    train_tokenizer(WORDS, 280, 24).write(folder / "tokenizer.json")
    return model


def save_features(folder: Path, **changes: Any) -> transformers.Dinov2Model:
    """A DINOv2 of those sizes."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28}
    torch.manual_seed(2)
    model = transformers.Dinov2Model(transformers.Dinov2Config(**(sizes | changes), patch_size=14)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    _save(model, folder)
    return model


def base_params(**changes: Any) -> WorldModelParams:
    """The section `world_model` with the preset base."""
    return WorldModelParams(preset="base", train=TRAIN, **changes)


def find_saved(folder: Path, config: WorldModelConfig | None = None) -> StartingWeights:
    """The weights in `folder`, as params.yaml would name them."""
    params = base_params(backbone_model=str(folder / "vlm"), features_model=str(folder / "dino"))
    return find_weights(config or frozen_config(), params)


def build_saved(folder: Path, config: WorldModelConfig | None = None) -> TraceWorldModel:
    """A model that starts from the weights in `folder`."""
    config = config or frozen_config()
    return build_model(config, CAPTIONS, STATISTICS, 3, find_saved(folder, config)).eval()


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the stored weights of one model."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def _save(model: Any, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder)
