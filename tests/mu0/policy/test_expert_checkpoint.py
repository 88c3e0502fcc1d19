"""An action expert on disk: what is saved comes back, and what does not belong together is refused."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mu0.errors import CheckpointError
from mu0.policy.action_expert import ActionExpert
from mu0.policy.checkpoint import (
    ActionExpertCheckpoint,
    load_action_expert,
    save_action_expert,
    world_model_sha256,
)
from mu0.policy.embodiment import UR3, write_embodiment
from mu0.policy.frozen_features import FeatureConfig
from mu0.policy.normalization import PolicyNormalization

Make = Callable[..., ActionExpert]
NORMALIZATION = PolicyNormalization((0.0,) * 9, (1.0,) * 9, (0.0,) * 5, (1.0,) * 5)


@pytest.fixture
def world_model(tmp_path: Path) -> Path:
    folder = tmp_path / "world_model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights of one world model")
    return folder


@pytest.fixture
def saved(tmp_path: Path, world_model: Path, make_expert: Make) -> Path:
    folder = tmp_path / "expert"
    meta = {"world_model_sha256": world_model_sha256(world_model)}
    checkpoint = ActionExpertCheckpoint(make_expert("mu0"), FeatureConfig(), NORMALIZATION, meta)
    save_action_expert(folder, checkpoint)
    return folder


def test_weights_config_and_statistics_come_back(saved: Path, world_model: Path, make_expert: Make) -> None:
    loaded = load_action_expert(saved, world_model)
    expected = make_expert("mu0")
    assert loaded.expert.config == expected.config
    assert loaded.normalization == NORMALIZATION
    assert loaded.features == FeatureConfig()
    assert not loaded.expert.training
    for name, tensor in expected.state_dict().items():
        assert torch.equal(loaded.expert.state_dict()[name], tensor)


def test_another_world_model_is_refused(saved: Path, world_model: Path) -> None:
    trained_on = world_model_sha256(world_model)
    (world_model / "model.safetensors").write_bytes(b"weights of another world model")
    with pytest.raises(CheckpointError) as caught:
        load_action_expert(saved, world_model)
    found = world_model_sha256(world_model)
    assert str(caught.value) == (
        f"{saved} was trained on world model {trained_on[:12]}; {world_model} is {found[:12]}.\n"
        "  expected: the very world model whose features the expert learned to read\n"
        "  to do:    train the expert again on this world model with `mu0 run`, or check out the older one."
    )


def test_missing_world_model_is_named(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no .*nowhere/model.safetensors"):
        load_action_expert(saved, tmp_path / "nowhere")


def test_folder_without_config_is_no_expert(tmp_path: Path, world_model: Path) -> None:
    with pytest.raises(CheckpointError, match="is not an action expert"):
        load_action_expert(tmp_path, world_model)


def test_damaged_weights_are_refused(saved: Path, world_model: Path) -> None:
    (saved / "model.safetensors").write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match=r"model.safetensors cannot be used"):
        load_action_expert(saved, world_model)


def test_weights_of_another_config_are_refused(saved: Path, world_model: Path) -> None:
    config = saved / "config.json"
    config.write_text(config.read_text().replace('"width": 16', '"width": 32'))
    with pytest.raises(CheckpointError, match="cannot be used"):
        load_action_expert(saved, world_model)


def test_a_folder_from_before_embodiments_is_of_our_arm(saved: Path, world_model: Path) -> None:
    (saved / "embodiment.json").unlink()
    meta = json.loads((saved / "meta.json").read_text())
    del meta["embodiment_sha256"]
    (saved / "meta.json").write_text(json.dumps(meta))
    assert load_action_expert(saved, world_model).embodiment == UR3


def test_another_embodiment_than_the_trained_one_is_refused(saved: Path, world_model: Path) -> None:
    write_embodiment(saved / "embodiment.json", dataclasses.replace(UR3, rate_hz=30.0))
    with pytest.raises(CheckpointError, match=r"embodiment.json has the hash"):
        load_action_expert(saved, world_model)


def test_a_world_model_must_be_named_where_one_was_learnt_from(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="none was named"):
        load_action_expert(saved, None)
