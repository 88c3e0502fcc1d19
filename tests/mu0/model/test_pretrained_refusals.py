"""Pretrained weights that are not said, not there, damaged or of another size: told, with the cure."""

import json
from pathlib import Path

import pytest
import torch

from mu0.errors import WeightsError
from mu0.model import pretrained_files
from mu0.model.presets import preset
from mu0.model.pretrained import RANDOM, find_weights
from mu0.params.world_model import WorldModelParams
from mu0.training.world_model import build_model
from tests.mu0.model.tiny_pretrained import (
    CAPTIONS,
    SPARE_LAYERS,
    STATISTICS,
    TEXT_LAYERS,
    TRAIN,
    Saved,
    base_params,
    build_saved,
    edit_weights,
    frozen_config,
    save_backbone,
    save_features,
)


def _refused(folder: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        build_saved(folder)
    return caught.value


def test_another_size_is_named_before_weights_are_read(tmp_path: Path) -> None:
    save_backbone(tmp_path / "vlm", intermediate_size=96, num_key_value_heads=2)
    save_features(tmp_path / "dino")
    (tmp_path / "vlm/model.safetensors").write_bytes(b"")
    error = _refused(tmp_path)
    assert error.found == (
        f"{tmp_path}/vlm/config.json has text_config.num_key_value_heads = 2, and 1 more differ."
    )
    assert error.expected == (
        "text_config.num_key_value_heads = 1 for the preset base, "
        "as HuggingFaceTB/SmolVLM2-500M-Video-Instruct has it"
    )
    assert error.remedy == (
        "where there is a network, `hf download HuggingFaceTB/SmolVLM2-500M-Video-Instruct --local-dir "
        "models/SmolVLM2-500M-Video-Instruct`; then set world_model.backbone_model to "
        "models/SmolVLM2-500M-Video-Instruct. `random` trains on random weights, for tests only."
    )


def test_too_few_text_layers(tmp_path: Path) -> None:
    save_backbone(tmp_path / "vlm", num_hidden_layers=1)
    save_features(tmp_path / "dino")
    error = _refused(tmp_path)
    assert error.found == f"{tmp_path}/vlm/config.json has text_config.num_hidden_layers = 1."
    assert error.expected == "2 text layers or more, for the preset base"


def test_a_dino_of_another_size_or_kind(saved: Saved) -> None:
    folder = saved[0]
    save_features(folder / "dino", image_size=56)
    assert _refused(folder).found == f"{folder}/dino/config.json has image_size = 56."
    (folder / "dino/config.json").write_text((folder / "vlm/config.json").read_text())
    assert _refused(folder).found == f"{folder}/dino/config.json describes a model of type 'smolvlm'."


def test_a_missing_weight_is_named(saved: Saved) -> None:
    folder, name = saved[0], "model.text_model.layers.1.mlp.up_proj.weight"
    edit_weights(folder / "vlm", lambda stored: stored.pop(name))
    assert _refused(folder).found == f"The weights in {folder}/vlm do not fit the model: missing: {name}."


def test_a_weight_of_another_shape_is_named(saved: Saved) -> None:
    folder, name = saved[0], "model.connector.modality_projection.proj.weight"
    edit_weights(folder / "vlm", lambda stored: stored.update({name: torch.ones(32, 64)}))
    assert _refused(folder).found == (
        f"The weights in {folder}/vlm do not fit the model: 1 of another shape: "
        f"{name} is [32, 64] instead of [32, 128]."
    )


def test_a_weight_left_over_is_named(saved: Saved) -> None:
    folder = saved[0]
    text = json.loads((folder / "vlm/config.json").read_text())
    text["text_config"]["attention_bias"] = True
    (folder / "vlm/config.json").write_text(json.dumps(text))
    biases = {
        f"model.text_model.layers.{n}.self_attn.{x}_proj.bias": torch.ones(16 if x in "kv" else 32)
        for n in range(TEXT_LAYERS + SPARE_LAYERS)
        for x in "qkvo"
    }
    edit_weights(folder / "vlm", lambda stored: stored.update(biases))
    assert _refused(folder).found == (
        f"The weights in {folder}/vlm do not fit the model: left over: "
        + ", ".join(f"model.text_model.layers.{{0-1}}.self_attn.{x}_proj.bias" for x in "qkvo")
        + "."
    )


def test_missing_files_are_named(saved: Saved) -> None:
    folder = saved[0]
    (folder / "vlm/tokenizer.json").unlink()
    error = _refused(folder)
    assert error.found == f"{folder}/vlm lacks tokenizer.json."
    assert error.expected == (
        "the files of HuggingFaceTB/SmolVLM2-500M-Video-Instruct: config.json, *.safetensors, tokenizer.json"
    )
    (folder / "dino/model.safetensors").rename(folder / "dino/pytorch_model.bin")
    (folder / "vlm/tokenizer.json").write_text("{}")
    assert _refused(folder).found == f"{folder}/dino lacks *.safetensors."


def test_damaged_files_are_named(saved: Saved) -> None:
    folder = saved[0]
    (folder / "vlm/tokenizer.json").write_text("{}")
    assert _refused(folder).found.startswith(f"{folder}/vlm/tokenizer.json is not a tokenizer: ")
    save_backbone(folder / "vlm")
    (folder / "vlm/model.safetensors").write_bytes(b"\x00" * 50)
    assert _refused(folder).found.startswith(f"The weights in {folder}/vlm cannot be read: ")
    (folder / "vlm/config.json").write_text("{")
    assert _refused(folder).found.startswith(f"{folder}/vlm/config.json cannot be used: ")


def test_a_tokenizer_with_too_many_tokens_is_refused(saved: Saved) -> None:
    folder = saved[0]
    tokens = {"[PAD]": 0, "[UNK]": 1} | {f"w{n}": n for n in range(2, 301)}
    content = json.loads((folder / "vlm/tokenizer.json").read_text())
    content["model"] |= {"vocab": tokens, "merges": []}
    (folder / "vlm/tokenizer.json").write_text(json.dumps(content))
    assert _refused(folder).found == f"{folder}/vlm/tokenizer.json knows 301 tokens, the model 300."


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    error = _refused(tmp_path)
    assert error.found == f"There is no folder {tmp_path}/vlm."
    assert error.expected == "the folder of a model, or a name on the hub"


def test_the_hub_is_asked_for_the_presets_model_and_its_silence_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def no_network(name: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.append((name, revision))
        assert not [pattern for pattern in allow_patterns if "bin" in pattern]
        raise OSError("no route to huggingface.co.\nmore")

    monkeypatch.setattr(pretrained_files, "snapshot_download", no_network)
    for name in ("base", "paper"):
        params = WorldModelParams(preset=name, train=TRAIN, backbone_revision="v1")
        with pytest.raises(WeightsError) as caught:
            find_weights(preset(name), params)
    with pytest.raises(WeightsError, match=r"set world_model\.features_model to models/dinov2-base"):
        find_weights(preset("paper"), WorldModelParams(preset="paper", train=TRAIN, backbone_model=RANDOM))
    assert asked == [
        ("HuggingFaceTB/SmolVLM2-500M-Video-Instruct", "v1"),
        ("HuggingFaceTB/SmolVLM2-2.2B-Instruct", "v1"),
        ("facebook/dinov2-base", "main"),
    ]
    assert caught.value.found == (
        "HuggingFaceTB/SmolVLM2-2.2B-Instruct (revision v1) is no folder here, and the hub does not give it: "
        "no route to huggingface.co."
    )
    assert "`hf download HuggingFaceTB/SmolVLM2-2.2B-Instruct --local-dir models/" in caught.value.remedy


def test_a_snapshot_of_the_hub_is_known_by_its_commit(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, commit = saved[0], "0123456789" * 4
    (folder / "vlm").rename(folder / commit)
    monkeypatch.setattr(pretrained_files, "snapshot_download", lambda *_, **__: str(folder / commit))
    weights = find_weights(frozen_config(), base_params(features_model=RANDOM))
    assert weights.facts == {
        "backbone": f"HuggingFaceTB/SmolVLM2-500M-Video-Instruct ({commit})",
        "features": "random",
    }


def test_frozen_parts_without_weights_are_refused() -> None:
    with pytest.raises(WeightsError) as caught:
        build_model(frozen_config(), CAPTIONS, STATISTICS, 3)
    assert str(caught.value) == (
        "The preset base never trains its backbone and features, and no weights are given: what it learns "
        "would rest on random numbers.\n"
        "  expected: pretrained weights for the backbone and features\n"
        "  to do:    set world_model.backbone_model and world_model.features_model to a folder or a name on "
        "the hub, or to `random` for tests and for measuring speed."
    )
    config = preset("tiny", train_backbone=False)
    with pytest.raises(WeightsError, match=r"The preset tiny never trains its backbone, and no weights"):
        find_weights(config, WorldModelParams(preset="tiny", train=TRAIN))


def test_a_model_for_a_preset_that_trains_everything_is_a_mistake_inbase_params() -> None:
    with pytest.raises(
        ValueError, match="features_model is 'x', but the preset small trains all of its weights"
    ):
        WorldModelParams(preset="small", train=TRAIN, features_model="x")
