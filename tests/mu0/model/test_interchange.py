"""Exchange with the official release: every name both ways, the same bytes back, every misfit named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from mu0.cli.main import app
from mu0.errors import CheckpointError
from mu0.model.checkpoint import load_checkpoint, save_checkpoint
from mu0.model.interchange.backbone_files import find_tokenizer
from mu0.model.interchange.names import NameMap, listed
from mu0.model.interchange.official import export_official, import_official
from mu0.model.interchange.official_config import sizes_of
from mu0.model.interchange.raw_tensors import copy_renamed, read_tensor_file
from mu0.model.presets import preset
from mu0.model.world_model import TraceWorldModel
from tests.mu0.model.official_folder import (
    TINY_CONFIG,
    OfficialSizes,
    official_shapes,
    official_weights,
    write_official,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_official(tmp_path / "release")


@pytest.fixture
def ours(source: Path, tmp_path: Path) -> Path:
    import_official(source, tmp_path / "ours", source.parent / "smolvlm2")
    return tmp_path / "ours"


def _rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _reimport(source: Path) -> None:
    import_official(source, source.parent / "again", source.parent / "smolvlm2")


def test_import_then_export_gives_back_the_same_bytes(source: Path, ours: Path, tmp_path: Path) -> None:
    export_official(ours, tmp_path / "back")
    for name in ("config.json", "model.safetensors", "meta.json"):
        assert (tmp_path / "back" / name).read_bytes() == (source / name).read_bytes(), name
    statistics = (source.parent / "normalizer_stats.json").read_bytes()
    assert (tmp_path / "back/normalizer_stats.json").read_bytes() == statistics


def test_export_then_import_gives_back_the_same_weights_and_config(
    source: Path, ours: Path, tmp_path: Path
) -> None:
    export_official(ours, tmp_path / "back")
    import_official(tmp_path / "back", tmp_path / "again", source.parent / "smolvlm2")
    for name in ("config.json", "model.safetensors", "normalizer_stats.json", "tokenizer.json"):
        assert (tmp_path / "again" / name).read_bytes() == (ours / name).read_bytes(), name


def test_an_imported_checkpoint_loads_alone_and_holds_every_number(
    source: Path, ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    official = official_weights()
    moved = ours.rename(tmp_path / "elsewhere")
    model = load_checkpoint(moved)
    names = NameMap(has_depth=True).official(model.state_dict())
    assert set(names.values()) == set(official)
    for name, value in model.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, official[names[name]].float()), name
    assert model.tokenizer(["open the drawer"])[1].all()
    assert model.config.euler_steps == 4


def test_a_model_saved_by_mu0_goes_out_and_comes_back(
    source: Path, ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After training here nothing remembers the official config.json; it is written anew."""
    model = load_checkpoint(ours)
    monkeypatch.setattr(
        "mu0.model.interchange.backbone_files.KNOWN", {TINY_CONFIG["vlm_model_name"]: sizes_of(model.config)}
    )
    save_checkpoint(tmp_path / "trained", model, {"steps": 7})
    export_official(tmp_path / "trained", tmp_path / "out")
    assert json.loads((tmp_path / "out/meta.json").read_text()) == {"step": 7}
    import_official(tmp_path / "out", tmp_path / "again", source.parent / "smolvlm2")
    assert (tmp_path / "again/config.json").read_bytes() == (ours / "config.json").read_bytes()
    again, trained = (load_file(tmp_path / name / "model.safetensors") for name in ("again", "trained"))
    assert all(torch.equal(again[name], trained[name]) for name in trained)


def test_missing_unexpected_and_misshapen_weights_are_all_listed(source: Path) -> None:
    weights = load_file(source / "model.safetensors")
    for layer in (0, 1, 2, 3):
        del weights[f"model.vlm_with_expert.lm_expert.layers.{layer}.mlp.up_proj.weight"]
    del weights["model.trace_done_proj_bsp.bias"]
    weights["model.trace_seg_embedding.weight"] = torch.zeros(3, 16)
    save_file(weights, source / "model.safetensors")
    with pytest.raises(CheckpointError) as caught:
        _reimport(source)
    expected = (
        "does not fit its config. "
        "Missing weights: model.vlm_with_expert.lm_expert.layers.{0-3}.mlp.up_proj.weight, "
        "model.trace_done_proj_bsp.bias. Weights of another shape: model.trace_seg_embedding.weight "
        "(the first is [3, 16] instead of [2, 16])."
    )
    assert expected in str(caught.value)
    assert not (source.parent / "again").exists()


def test_weights_without_a_counterpart_are_listed(source: Path) -> None:
    weights = load_file(source / "model.safetensors")
    save_file(weights | {"model.state_proj.weight": torch.zeros(1)}, source / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"Unexpected weights: model\.state_proj\.weight\."):
        _reimport(source)


def test_layers_beyond_the_config_are_unexpected(source: Path) -> None:
    _rewrite(source / "config.json", num_vlm_layers=2)
    pattern = r"Unexpected weights: .*lm_expert\.layers\.\{2-3\}\.self_attn\.q_proj"
    with pytest.raises(CheckpointError, match=pattern):
        _reimport(source)


def test_options_that_mu0_does_not_have_are_refused(source: Path) -> None:
    _rewrite(source / "config.json", trace_mode=False, self_attn_every_n_layers=3)
    with pytest.raises(CheckpointError, match="trace_mode = False, self_attn_every_n_layers = 3"):
        _reimport(source)


def test_unusable_configs_are_said_clearly(source: Path) -> None:
    _rewrite(source / "config.json", resize_imgs_with_padding=None)
    with pytest.raises(CheckpointError, match=r"resize_imgs_with_padding = \[\].*\n.*a square"):
        _reimport(source)
    _rewrite(source / "config.json", resize_imgs_with_padding=[56, 56], delta_scale=[0.6625])
    with pytest.raises(CheckpointError, match=r"the checkpoint's config \[0\.6625\]"):
        _reimport(source)
    (source / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json holds Expecting property name"):
        _reimport(source)


def test_a_backbone_named_by_a_foreign_path_needs_the_folder() -> None:
    with pytest.raises(CheckpointError, match="not in the hub's cache"):
        find_tokenizer("/home/someone/models/SmolVLM2", None)


def test_statistics_of_another_model_are_refused(source: Path) -> None:
    _rewrite(source.parent / "normalizer_stats.json", delta_scale_x=0.5)
    with pytest.raises(CheckpointError, match=r"has the scales \[0\.5, .*config \[0\.6625"):
        _reimport(source)
    (source.parent / "normalizer_stats.json").unlink()
    with pytest.raises(CheckpointError, match="No statistics lie in"):
        _reimport(source)


def test_an_absent_tokenizer_is_said_clearly(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source.parent / "smolvlm2/tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match=r"(?s)someone/TinyVLM is not on this computer.*hf download"):
        _reimport(source)
    monkeypatch.setattr("mu0.model.interchange.backbone_files.try_to_load_from_cache", lambda *_: None)
    with pytest.raises(CheckpointError, match="not in the hub's cache"):
        find_tokenizer("HuggingFaceTB/SmolVLM2-2.2B-Instruct", None)


def test_the_hubs_cache_serves_tokenizer_and_sizes(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = source.parent / "smolvlm2"
    monkeypatch.setattr(
        "mu0.model.interchange.backbone_files.try_to_load_from_cache", lambda _repo, name: str(cached / name)
    )
    exchanged = import_official(source, source.parent / "again")
    assert exchanged.n_tensors == len(official_weights())


def test_a_tokenizer_larger_than_the_model_is_refused(source: Path) -> None:
    weights = load_file(source / "model.safetensors")
    for name in weights:
        if name.endswith(("embed_tokens.weight", "lm_head.weight")):
            weights[name] = weights[name][:50].clone()
    save_file(weights, source / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"The tokenizer knows \d+ tokens, the model 50"):
        _reimport(source)


def test_models_that_the_release_cannot_be_are_not_exported(
    build: Callable[..., TraceWorldModel], tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "tiny", build(), {})
    with pytest.raises(CheckpointError, match="No SmolVLM2 has text layers 32 wide"):
        export_official(tmp_path / "tiny", tmp_path / "out")


def test_changed_options_are_exported_or_refused(ours: Path, tmp_path: Path) -> None:
    _rewrite(ours / "config.json", euler_steps=8, noise_draws=4)
    export_official(ours, tmp_path / "out")
    assert json.loads((tmp_path / "out/config.json").read_text())["num_steps"] == 8
    _rewrite(ours / "config.json", hard_anchor=True)
    with pytest.raises(CheckpointError, match=r"cannot do .*: hard_anchor = True \(official: False\)"):
        export_official(ours, tmp_path / "out")


def test_cut_off_and_foreign_files_are_named(source: Path) -> None:
    path = source / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="bytes of data instead of"):
        _reimport(source)
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(CheckpointError, match="has 4 bytes and a header of"):
        _reimport(source)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        _reimport(source)


def test_renaming_and_renaming_back_is_the_same_file(tmp_path: Path) -> None:
    weights = {"b": torch.arange(3), "a": torch.ones(2, 3, dtype=torch.bfloat16), "ü": torch.zeros(0, 4)}
    save_file(weights, tmp_path / "one", metadata={"format": "pt"})
    names = {"b": "first", "a": "second", "ü": "third"}
    copy_renamed(read_tensor_file(tmp_path / "one"), tmp_path / "two", names)
    loaded = load_file(tmp_path / "two")
    assert all(torch.equal(loaded[names[name]], value) for name, value in weights.items())
    back = {new: old for old, new in names.items()}
    copy_renamed(read_tensor_file(tmp_path / "two"), tmp_path / "three", back)
    assert (tmp_path / "three").read_bytes() == (tmp_path / "one").read_bytes()


@pytest.mark.parametrize("has_depth", [True, False])
def test_names_without_a_depth_branch_have_no_wrapper(has_depth: bool) -> None:
    names = [name for name in official_shapes(OfficialSizes()) if has_depth or _is_plain(name)]
    if not has_depth:
        names = [name.replace("base_model.model.", "").replace(".base_layer", "") for name in names]
    renaming = NameMap(has_depth=has_depth)
    renamed = renaming.ours(names)
    assert len(set(renamed.values())) == len(names)
    assert list(renaming.official(renamed.values()).values()) == names


def _is_plain(name: str) -> bool:
    return "lora_" not in name and "_depth_patch" not in name


def test_lists_of_names_are_short_and_complete() -> None:
    names = ["a.0.w", "a.1.w", "a.2.w", "b.3.w", "c", "d.1.x", "d.5.x"]
    assert listed(names) == "a.{0-2}.w, b.3.w, c, d.{1,5}.x"


def test_the_commands_do_both(source: Path, tmp_path: Path) -> None:
    ours, back = tmp_path / "ours", tmp_path / "back"
    backbone = str(source.parent / "smolvlm2")
    made = CliRunner().invoke(app, ["import-official", str(source), str(ours), "--backbone", backbone])
    assert made.exit_code == 0, made.output
    assert f"{len(official_weights())} tensors" in made.output
    assert CliRunner().invoke(app, ["export-official", str(ours), str(back)]).exit_code == 0
    refused = CliRunner().invoke(app, ["export-official", str(tmp_path), str(back)])
    assert refused.exit_code == 1
    assert "lacks config.json" in refused.output


def test_presets_that_are_official_models_say_so() -> None:
    assert preset("paper").unused_weights
    assert preset("base").unused_weights
    assert not preset("small").unused_weights
