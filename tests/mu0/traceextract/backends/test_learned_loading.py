"""What learned backends need is asked for clearly: models, devices, code."""

import sys
from pathlib import Path

import pytest
import torch

from mu0.errors import ParamsError, WeightsError
from mu0.params.extract import ExtractParams
from mu0.params.learned import DEFAULT_MODELS, LearnedParams
from mu0.params.read import read_section
from mu0.traceextract.backends.loading import Weights, device_of, dtype_of
from mu0.traceextract.backends.registry import EMBEDDED, LEARNED, load_feature_extractor, load_point_tracker
from mu0.traceextract.backends.torch_code import read_state


def _params_file(tmp_path: Path, extract: str) -> Path:
    text = Path("params.yaml").read_text()
    before, _, after = text.partition("extract:\n")
    path = tmp_path / "params.yaml"
    path.write_text(f"{before}extract:\n{extract}{after}")
    return path


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        (
            "tracker: tapir",
            "tapir needs extract.learned.tracker_model: the checkpoint file, e.g. models/boots",
        ),
        ("tracker: tapnext", "tapnext needs extract.learned.tracker_model"),
        ("reconstructor: vggt", "vggt needs extract.learned.depth_model: a folder or name"),
        ("features: dino", "'descriptors', 'dinov2', 'dinov3' or 'siglip2'"),
        ("learned: {device: cuda, cores: 2}", "cores  Extra inputs are not permitted"),
        ("learned: {anchors_per_chunk: 31}", "at most half of chunk_frames"),
        ("learned: {tracker_overlap: 30}", "at most half of tracker_frames"),
        ("learned: {tracker_size_px: 250}", "multiple of 8"),
    ],
)
def test_params_say_what_a_learned_backend_lacks(choice: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ParamsError) as caught:
        read_section(_params_file(tmp_path, f"  {choice}\n"), "extract", ExtractParams)
    assert why in str(caught.value)


def test_nothing_learned_is_named_by_default() -> None:
    params = ExtractParams()
    assert params.features in EMBEDDED["features"]
    assert params.reconstructor in EMBEDDED["reconstructor"]
    assert params.tracker in EMBEDDED["tracker"]
    assert params.learned == LearnedParams()


def test_embedded_backends_load_without_learned_options() -> None:
    assert load_feature_extractor("descriptors").__class__.__name__ == "PatchDescriptors"
    assert load_point_tracker("lucas_kanade", LearnedParams()).__class__.__name__ == "LucasKanadeTracker"


def test_every_learned_name_has_a_class_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = LearnedParams(
        tracker_model="models/x.pt",
        depth_model="models/x",
        features_model="models/x",
        device="cpu",
        hands_python=sys.executable,
    )
    from mu0.traceextract.backends import hands_python
    from mu0.traceextract.backends.registry import load_hand_landmarker, load_reconstructor

    monkeypatch.setattr(hands_python, "installed_version", lambda _: "1")

    loaders = {
        "features": load_feature_extractor,
        "reconstructor": load_reconstructor,
        "tracker": load_point_tracker,
        "hands": load_hand_landmarker,
    }
    for role, names in LEARNED.items():
        for name in names:
            backend = type(loaders[role](name, learned))
            assert f"{backend.__module__}:{backend.__name__}" == names[name]


def test_auto_takes_a_gpu_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_of(LearnedParams()).type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of(LearnedParams()).type == "cpu"
    assert device_of(LearnedParams(device="cpu")).type == "cpu"


def test_a_device_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(WeightsError, match=r"device is 'cuda:3', but torch .* sees 1 GPUs here"):
        device_of(LearnedParams(device="cuda:3"))
    with pytest.raises(WeightsError, match="device is 'gpu'"):
        device_of(LearnedParams(device="gpu"))


def test_precisions() -> None:
    assert dtype_of(LearnedParams()) == torch.float32
    assert dtype_of(LearnedParams(precision="bfloat16")) == torch.bfloat16


@pytest.mark.parametrize(
    ("model", "local"),
    [
        ("facebook/dinov2-base", False),
        ("models/dinov2-base", True),
        ("./x", True),
        ("/x/y", True),
        ("~/weights", True),
        ("a/b/c", True),
    ],
)
def test_names_of_the_hub_and_places_on_disk(model: str, local: bool) -> None:
    assert Weights("dinov2", model, "features_model").is_local is local


@pytest.mark.parametrize("backend", sorted({*DEFAULT_MODELS, "vggt"} - {"cotracker3"}))
def test_every_missing_model_says_how_to_fetch_it(backend: str) -> None:
    error = Weights(backend, "models/nowhere", "some_model").missing("gone")
    name = DEFAULT_MODELS.get(backend, "facebook/VGGT-1B-Commercial")
    assert f"hf download {name} --local-dir models/{name.rpartition('/')[2]}" in error.remedy
    assert "extract.learned.some_model" in error.remedy
    chosen = Weights(backend, "somebody/other", "some_model").missing("no network")
    assert "hf download somebody/other --local-dir models/other" in chosen.remedy


@pytest.mark.parametrize("backend", ["tapir", "tapnext", "cotracker3"])
def test_a_missing_checkpoint_says_where_it_is(backend: str) -> None:
    remedy = Weights(backend, "models/nowhere", "tracker_model").missing("gone").remedy
    assert remedy.startswith("download https://")
    assert "extract.learned.tracker_model to the file" in remedy


def test_a_checkpoint_may_lie_inside_a_dictionary(tmp_path: Path) -> None:
    weights = Weights("tapir", str(tmp_path / "tapir.pt"), "tracker_model")
    for content in (
        {"a": torch.ones(1)},
        {"state_dict": {"a": torch.ones(1)}},
        {"model": {"a": torch.ones(1)}},
    ):
        torch.save(content, tmp_path / "tapir.pt")
        assert list(read_state(weights, weights.path)) == ["a"]
    torch.save([1, 2], tmp_path / "tapir.pt")
    with pytest.raises(WeightsError, match="not a dictionary of tensors"):
        read_state(weights, weights.path)
    (tmp_path / "tapir.pt").write_bytes(b"\x00" * 100)
    with pytest.raises(WeightsError):
        read_state(weights, weights.path)
