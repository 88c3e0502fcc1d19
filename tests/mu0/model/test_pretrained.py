"""Pretrained SmolVLM and DINOv2 in a world model: equal to transformers, nothing lost or invented."""

import hashlib
import platform
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from mu0.model.lora import LoraLinear
from mu0.model.presets import preset
from mu0.model.pretrained import NO_WEIGHTS, RANDOM, StartingWeights, find_weights
from mu0.model.tokenizer import train_tokenizer
from mu0.model.world_model import TraceWorldModel
from mu0.params.world_model import WorldModelParams
from mu0.training.world_model import build_model, training_key
from tests.mu0.model.tiny_pretrained import (
    CAPTIONS,
    SPARE_LAYERS,
    STATISTICS,
    TEXT_LAYERS,
    TRAIN,
    WORDS,
    Saved,
    build_saved,
    edit_weights,
    find_saved,
    frozen_config,
    save_backbone,
    save_features,
)


def test_image_tokens_are_those_of_transformers(saved: Saved) -> None:
    folder, vlm, _ = saved
    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        ours = build_saved(folder).backbone.image_tokens(image)[0]
        theirs = vlm.get_image_features((image * 2 - 1)[:, None]).pooler_output
    assert ours.std() > 0.1
    torch.testing.assert_close(ours, torch.stack(list(theirs)), atol=1e-5, rtol=0)


def test_dino_maps_are_those_of_transformers(saved: Saved) -> None:
    folder, _, dino = saved
    image = torch.rand(2, 3, 64, 64)
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        (ours,) = build_saved(folder).encode_prefix(image, [""] * 2).feature_maps
        pixels = functional.interpolate((image - mean) / std, size=(28, 28), mode="bilinear")
        theirs = dino(pixels).last_hidden_state[:, 1:]
    torch.testing.assert_close(ours.flatten(2).mT, theirs, atol=1e-5, rtol=0)


def test_text_layers_embeddings_and_head_are_copied_and_the_spare_layer_is_dropped(
    saved: Saved,
) -> None:
    folder, vlm, _ = saved
    backbone = build_saved(folder).backbone
    ours, theirs = backbone.smolvlm.text_model.state_dict(), vlm.model.text_model.state_dict()
    spare = {name for name in theirs if name.startswith(f"layers.{TEXT_LAYERS}.")}
    assert len(spare) == 9 * SPARE_LAYERS
    assert set(ours) == set(theirs) - spare
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert torch.equal(backbone.language_head.weight, vlm.lm_head.weight)


def test_all_frozen_weights_come_from_the_files_and_all_others_from_the_seed(
    saved: Saved,
) -> None:
    folder = saved[0]
    model = build_saved(folder)
    alone = build_model(frozen_config(), CAPTIONS, STATISTICS, 3, StartingWeights(RANDOM, RANDOM))
    filled = {
        name for name, value in alone.state_dict().items() if not torch.equal(value, model.state_dict()[name])
    }
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad} - {
        name for name in model.state_dict() if ".unused_" in name
    }
    assert filled == frozen | {"backbone.depth_stem.projection.weight", "backbone.depth_stem.projection.bias"}
    state = torch.random.get_rng_state()
    build_saved(folder)
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_depth_stem_starts_as_the_image_stem_and_adapters_change_nothing(
    saved: Saved,
) -> None:
    backbone = build_saved(saved[0]).backbone
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(backbone.image_tokens(image)[0], backbone.image_tokens(image, is_depth=True)[0])
    assert all(m.up.weight.abs().max() == 0 for m in backbone.modules() if isinstance(m, LoraLinear))
    assert backbone.depth_stem.projection.weight.requires_grad
    assert not backbone.stem.projection.weight.requires_grad


def test_a_model_without_depth_and_language_head_leaves_the_head_behind(saved: Saved) -> None:
    config = frozen_config(use_depth=False, unused_weights=False, keypoint_features="none")
    weights = find_saved(saved[0], config)
    assert weights.features is None
    model = build_model(config, CAPTIONS, STATISTICS, 3, weights)
    layer = model.backbone.smolvlm.vision_model.encoder.layers[1].mlp.fc1
    assert torch.equal(layer.weight, saved[1].model.vision_model.encoder.layers[1].mlp.fc1.weight)


def test_a_tied_head_and_shorter_numbers_are_widened(tmp_path: Path) -> None:
    vlm = save_backbone(tmp_path / "vlm", tie=True)
    vlm.to(torch.bfloat16).save_pretrained(tmp_path / "vlm")
    save_features(tmp_path / "dino")
    backbone = build_saved(tmp_path).backbone
    assert backbone.language_head.weight.dtype == torch.float32
    assert torch.equal(backbone.language_head.weight, vlm.model.text_model.embed_tokens.weight.float())


def test_weights_may_lie_in_several_files(saved: Saved) -> None:
    folder, vlm, _ = saved
    (folder / "vlm/model.safetensors").unlink()
    vlm.save_pretrained(folder / "vlm", max_shard_size="40KB")
    assert len(list((folder / "vlm").glob("*.safetensors"))) > 1
    norm = build_saved(folder).backbone.smolvlm.text_model.norm
    assert torch.equal(norm.weight, vlm.model.text_model.norm.weight)


def test_words_are_those_of_the_backbone(saved: Saved) -> None:
    model = build_saved(saved[0])
    pieces = model.tokenizer.tokenizer.encode(WORDS[0]).tokens
    assert "▁kettle" in pieces
    assert model.tokenizer.vocabulary_size <= model.config.vocabulary_size


def test_records_and_keys_name_the_source(saved: Saved) -> None:
    folder = saved[0]
    weights = find_saved(folder)
    assert weights.label("these traces") == (
        f"trained on these traces; frozen: backbone {folder / 'vlm'} ({weights.facts['backbone'][-13:-1]}), "
        f"features {folder / 'dino'} ({weights.facts['features'][-13:-1]})"
    )
    assert StartingWeights(RANDOM, RANDOM).label("these traces") == (
        "trained on these traces; frozen: backbone of RANDOM WEIGHTS, features of RANDOM WEIGHTS"
    )
    assert NO_WEIGHTS.label("these traces") == "trained from scratch on these traces"
    (folder / "data").mkdir()
    edit_weights(
        folder / "vlm", lambda stored: stored["model.connector.modality_projection.proj.weight"].add_(1)
    )
    sources = [weights, find_saved(folder), StartingWeights(RANDOM, RANDOM)]
    assert len({training_key(frozen_config(), TRAIN, folder / "data", source) for source in sources}) == 3


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("tiny", "584ea975c306938f91eac96e2ef14300d20f6e0c9f66ae86be8bcc92b8802471"),
        ("small", "314b1cc41d48e31963a7489d833a4637810d449a08f9201561b79064fc7c35c3"),
    ],
)
def test_presets_that_train_everything_start_as_they_always_did(name: Any, digest: str) -> None:
    """Digests from before pretrained weights could be given; torch promises them for one version only."""
    config = preset(name)
    weights = find_weights(config, WorldModelParams(preset=name, train=TRAIN))
    assert weights == NO_WEIGHTS
    model = build_model(config, CAPTIONS, STATISTICS, 3, weights)
    torch.manual_seed(3)
    tokenizer = train_tokenizer(CAPTIONS, config.vocabulary_size, config.max_text_tokens)
    before = TraceWorldModel(config, tokenizer, STATISTICS).state_dict()
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], before[key]) for key in after)
    if torch.__version__.startswith("2.13.") and platform.machine() == "x86_64":
        found = hashlib.sha256()
        for key, value in after.items():
            found.update(key.encode() + value.numpy().tobytes())
        found.update(model.tokenizer.tokenizer.to_str().encode())
        assert found.hexdigest() == digest
