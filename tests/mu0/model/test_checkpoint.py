"""Checkpoints: the folder alone is enough; what does not fit is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mu0.errors import CheckpointError
from mu0.model.checkpoint import load_checkpoint, read_meta, save_checkpoint
from mu0.model.checkpoint_folder import FILES
from mu0.model.world_model import TraceWorldModel

Build = Callable[..., TraceWorldModel]


@pytest.fixture
def folder(build: Build, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "world_model", build(), {"steps": 3, "seed": 0})
    return tmp_path / "world_model"


def test_a_checkpoint_holds_everything_and_loads_without_a_network(
    build: Build, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    loaded, saved = load_checkpoint(folder), build()
    assert {path.name for path in folder.iterdir()} == set(FILES)
    assert loaded.config == saved.config
    assert loaded.statistics == saved.statistics
    assert read_meta(folder) == {"steps": 3, "seed": 0}
    assert (
        loaded.tokenizer(["open the drawer"])[0].tolist() == saved.tokenizer(["open the drawer"])[0].tolist()
    )
    assert all(
        torch.equal(a, b)
        for a, b in zip(loaded.state_dict().values(), saved.state_dict().values(), strict=True)
    )
    assert not loaded.training


def test_saving_twice_gives_the_same_bytes(build: Build, folder: Path, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "again", build(), {"steps": 3, "seed": 0})
    assert all((folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in FILES)


def test_loading_leaves_the_random_numbers_of_others_alone(folder: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_checkpoint(folder)
    assert torch.equal(torch.rand(3), expected)


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"lacks tokenizer\.json\.\n.*expected: a world model"):
        load_checkpoint(folder)


def test_missing_unexpected_and_misshapen_weights_are_named(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["expert.norm.weight"]
    weights["surprise"] = torch.zeros(1)
    weights["done_head.bias"] = torch.zeros(7)
    save_file(weights, folder / "model.safetensors")
    pattern = r"missing: expert\.norm\.weight; unexpected: surprise; of another shape: done_head\.bias"
    with pytest.raises(CheckpointError, match=pattern):
        load_checkpoint(folder)


def test_another_config_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"text_mlp_width": 96}))
    with pytest.raises(
        CheckpointError, match=r"of another shape: backbone\.smolvlm.* and \d+ more|of another shape"
    ):
        load_checkpoint(folder)
    (folder / "config.json").write_text(json.dumps(config | {"wings": 2}))
    with pytest.raises(CheckpointError, match=r"unknown \['wings'\]"):
        load_checkpoint(folder)


def test_damaged_weights_and_tokenizers_are_reported(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(CheckpointError, match=r"model\.safetensors cannot be read"):
        load_checkpoint(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="is not a tokenizer"):
        load_checkpoint(folder)
