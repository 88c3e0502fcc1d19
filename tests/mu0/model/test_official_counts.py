"""Presets on the meta device against the release: names, shapes and counts, without a byte of weights."""

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn
from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration

from mu0.dataset.statistics import NormalizerStats
from mu0.model.backbone import Backbone
from mu0.model.interchange.names import NameMap
from mu0.model.interchange.official_config import config_from_official, expert_mlp_width, sizes_of
from mu0.model.presets import PresetName, preset
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from tests.mu0.model.official_folder import RELEASE_CONFIG, OfficialSizes, official_shapes

Skeleton = Callable[[PresetName], TraceWorldModel]


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    """A preset's model without memory."""
    tokenizer = train_tokenizer(["open the drawer"], 300, 48)
    statistics = NormalizerStats(0.9, 0.5, 0.1, 1, 8, 32)

    @cache
    def build(name: PresetName) -> TraceWorldModel:
        with torch.device("meta"):
            return TraceWorldModel(preset(name), tokenizer, statistics)

    return build


def _count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def _adapters(tower: nn.Module) -> int:
    named = tower.named_parameters()
    return sum(p.numel() for name, p in named if name.endswith((".down.weight", ".up.weight")))


def test_paper_has_exactly_the_names_and_shapes_of_the_release(skeleton: Skeleton) -> None:
    own = {name: tuple(value.shape) for name, value in skeleton("paper").state_dict().items()}
    names = NameMap(has_depth=True).official(own)
    assert {names[name]: shape for name, shape in own.items()} == official_shapes(OfficialSizes())


def test_names_are_a_bijection_over_all_weights_of_paper(skeleton: Skeleton) -> None:
    names = list(skeleton("paper").state_dict())
    renaming = NameMap(has_depth=True)
    official = renaming.official(names)
    assert len(names) == len(set(official.values())) == 1417
    assert renaming.ours(official.values()) == {there: here for here, there in official.items()}


def test_everything_a_model_knows_is_in_its_weights(skeleton: Skeleton) -> None:
    """No buffers: a model made without memory and filled from a file is complete."""
    for name in ("tiny", "small", "base", "paper"):
        assert [buffer for buffer, _ in skeleton(name).named_buffers()] == []


def test_paper_has_the_parameter_counts_of_the_release(skeleton: Skeleton) -> None:
    """reference/mu0.md §4.9, in millions, rounded as there."""
    model = skeleton("paper")
    backbone, expert, suffix = model.backbone, model.expert, model.suffix
    layers = list(expert.layers)
    modulation = _count(*(layer.modulation for layer in layers))  # type: ignore[misc]
    unused_time = _count(expert.unused_time_in, expert.unused_time_out)
    smolvlm = backbone.smolvlm
    lora = _adapters(smolvlm.vision_model)
    millions = {
        "expert": (_count(expert) - modulation - unused_time, 382.77),
        "adaLN heads": (modulation, 125.95),
        "time embedder": (_count(model.time_mlp), 1.31),
        "uv MLP": (_count(suffix.uv_mlp), 1.08),
        "DINO fusion": (_count(suffix.fuse_in, suffix.fuse_out), 2.89),  # type: ignore[arg-type]
        "in, out, done": (
            _count(suffix.history_in, suffix.future_in, model.velocity_head, model.done_head),
            0.12,
        ),
        "embeddings": (_count(suffix.group_embedding, suffix.segment_embedding), 0.04),
        "LoRA": (lora, 4.35),
        "depth stem": (_count(backbone.depth_stem), 0.68),
        "unused time MLP": (unused_time, 3.15),
    }
    assert {name: round(count / 1e6, 2) for name, (count, _) in millions.items()} == {
        name: stated for name, (_, stated) in millions.items()
    }
    assert round(sum(count for count, _ in millions.values()) / 1e6, 1) == 522.3
    vision = _count(smolvlm.vision_model, backbone.stem, backbone.position_embedding) - lora
    frozen = {
        "text layers": _count(smolvlm.text_model.layers) + _count(smolvlm.text_model.norm),
        "token embeddings": _count(smolvlm.text_model.embed_tokens),
        "lm_head": _count(backbone.language_head),
        "vision": vision,
        "connector": _count(smolvlm.connector),
    }
    assert {name: round(count / 1e6) for name, count in frozen.items()} == {
        "text layers": 1342, "token embeddings": 101, "lm_head": 101, "vision": 413, "connector": 21,
    }  # fmt: skip
    assert _count(model.keypoint_features) == 86_580_480  # DINOv2-base with its mask token


def test_paper_trains_what_the_release_trains(skeleton: Skeleton) -> None:
    """All but SmolVLA's unused time layers, which no gradient ever reaches: frozen or not is the same."""
    model = skeleton("paper")
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    unused = _count(model.expert.unused_time_in, model.expert.unused_time_out)
    assert round((trainable + unused) / 1e6, 1) == 522.3
    assert not any(p.requires_grad for p in model.keypoint_features.parameters())
    assert not any(p.requires_grad for p in model.backbone.smolvlm.text_model.parameters())


def test_the_release_recipe_becomes_the_preset_paper() -> None:
    shapes = {
        "backbone.smolvlm.text_model.embed_tokens.weight": (49280, 2048),
        "keypoint_features.dino.embeddings.patch_embeddings.projection.weight": (768, 3, 14, 14),
        **{f"keypoint_features.dino.encoder.layer.{i}.norm1.weight": (768,) for i in range(12)},
    }
    imported = config_from_official(RELEASE_CONFIG, sizes_of(preset("paper")), shapes)
    assert dataclasses.replace(imported, preset="paper") == preset("paper")


def test_the_experts_width_rule() -> None:
    assert (expert_mlp_width(1024), expert_mlp_width(480), expert_mlp_width(720)) == (2816, 1280, 2048)


SMOLVLM2_500M: dict[str, Any] = {  # its config.json on the hub; defaults of the format are left out
    "scale_factor": 4,
    "vision_config": {
        "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
        "patch_size": 16, "image_size": 512,
    },
    "text_config": {
        "model_type": "llama", "hidden_size": 960, "num_hidden_layers": 32, "num_attention_heads": 15,
        "num_key_value_heads": 5, "head_dim": 64, "intermediate_size": 2560, "vocab_size": 49280,
        "rms_norm_eps": 1e-5,
    },
}  # fmt: skip
SMOLVLM2_2B: dict[str, Any] = {
    "scale_factor": 3,
    "vision_config": {
        "hidden_size": 1152, "num_hidden_layers": 27, "num_attention_heads": 16, "intermediate_size": 4304,
        "patch_size": 14, "image_size": 384,
    },
    "text_config": {
        "model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32,
        "num_key_value_heads": 32, "head_dim": 64, "intermediate_size": 8192, "vocab_size": 49280,
        "rms_norm_eps": 1e-5,
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "hub"), [("base", SMOLVLM2_500M), ("paper", SMOLVLM2_2B)])
def test_backbones_count_what_transformers_counts(name: PresetName, hub: dict[str, Any]) -> None:
    """Part by part, with transformers' own class cut to our number of text layers."""
    config = preset(name)
    text = hub["text_config"] | {"num_hidden_layers": config.text_layers}
    theirs_config = SmolVLMConfig(**(hub | {"text_config": text}), tie_word_embeddings=False)
    with torch.device("meta"):
        theirs = SmolVLMForConditionalGeneration(theirs_config)
        ours = Backbone(config)
    tower = ours.smolvlm.vision_model
    assert _count(tower, ours.stem, ours.position_embedding) - _adapters(tower) == _count(
        theirs.model.vision_model
    )
    assert _count(ours.smolvlm.connector) == _count(theirs.model.connector)
    assert _count(ours.smolvlm.text_model) == _count(theirs.model.text_model)
    assert _count(ours.language_head) == _count(theirs.lm_head)


def test_base_has_the_shapes_that_the_official_code_would_give_it(skeleton: Skeleton) -> None:
    """The same list of names as for the release, at the sizes of SmolVLM2-500M and half the width."""
    text, vision = SMOLVLM2_500M["text_config"], SMOLVLM2_500M["vision_config"]
    sizes = OfficialSizes(
        vision=vision["hidden_size"], vision_layers=12, vision_mlp=3072, patch=16, table=32 * 32, fold=4,
        text=text["hidden_size"], text_mlp=2560, kv=5 * 64, layers=16, expert=480, expert_mlp=1280,
    )  # fmt: skip
    own = {name: tuple(value.shape) for name, value in skeleton("base").state_dict().items()}
    names = NameMap(has_depth=True).official(own)
    assert {names[name]: shape for name, shape in own.items()} == official_shapes(sizes)
