"""Features from true classes with random weights: where a patch is; loaded as users load them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mu0.errors import WeightsError
from mu0.params.learned import LearnedParams
from mu0.traceextract.backends.model_slot import SLOT
from mu0.traceextract.backends.registry import load_feature_extractor
from mu0.traceextract.keypoints.entities import entities_of_patches
from mu0.traceextract.keypoints.vision_features import VisionFeatures
from mu0.traceextract.reconstruction.rgbd import RgbdReconstructor
from tests.mu0.traceextract import square_scene as scene
from tests.mu0.traceextract import tiny_models

pytestmark = pytest.mark.slow  # transformers takes seconds to import

MODELS = {
    "dinov2": tiny_models.dinov2,
    "dinov2 with registers": lambda folder: tiny_models.dinov2(folder, registers=True),
    "dinov3": tiny_models.dinov3,
    "siglip2": lambda folder: tiny_models.siglip2(folder, naflex=False),
    "siglip2 with text": tiny_models.siglip2_with_text,
    "siglip2 naflex": lambda folder: tiny_models.siglip2(folder, naflex=True),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("features")
    return {name: make(root / name.replace(" ", "-")) for name, make in MODELS.items()}


def _extractor(name: str, folders: dict[str, str], **options) -> VisionFeatures:
    learned = LearnedParams(features_model=folders[name], device="cpu", features_rows=4, **options)
    found = load_feature_extractor(name.partition(" ")[0], learned)
    assert isinstance(found, VisionFeatures)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_a_bright_patch_changes_its_own_token_most(name: str, folders: dict[str, str]) -> None:
    """Grey image, 4 x 6 patches of a 96 x 144 frame; each corner and a middle patch is lit in turn."""
    extractor = _extractor(name, folders)
    grey = np.full((96, 144, 3), 120, np.uint8)
    for row, column in [(0, 0), (0, 5), (3, 0), (3, 5), (1, 4), (2, 1)]:
        lit = grey.copy()
        area = np.s_[row * 24 : row * 24 + 24, column * 24 : column * 24 + 24]
        lit[area] = np.random.default_rng(0).integers(0, 256, (24, 24, 3))
        plain, changed = extractor.tokens([grey, lit])
        assert plain.shape == (4, 6, 32)
        change = np.linalg.norm(changed - plain, axis=-1)
        assert np.unravel_index(change.argmax(), change.shape) == (row, column)


@pytest.mark.parametrize("name", MODELS)
def test_tokens_are_unit_finite_and_do_not_depend_on_the_batch(name: str, folders: dict[str, str]) -> None:
    frames = list(scene.footage().frames[:5])
    together = _extractor(name, folders).tokens(frames)
    single = np.concatenate([_extractor(name, folders).tokens([frame]) for frame in frames])
    np.testing.assert_allclose(np.linalg.norm(together, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(together, single, atol=1e-5)


@pytest.mark.parametrize("size", [(128, 128), (64, 160), (150, 70)])
def test_every_shape_of_image_gets_a_grid_over_all_of_it(size, folders: dict[str, str]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    rows, columns = _extractor("dinov2", folders).tokens([frame]).shape[1:3]
    assert min(rows, columns) == 4
    assert rows / columns == pytest.approx(size[0] / size[1], rel=0.13)  # half of one of four patches


def test_features_of_a_clip_feed_the_clustering(folders: dict[str, str]) -> None:
    footage = scene.footage()
    extractor = _extractor("dinov2", folders, batch_frames=2)
    found = extractor.describe(footage, RgbdReconstructor().reconstruct(footage), np.array([0, 10, 20]))
    assert found.descriptors.shape == (3, 4, 4, 34)  # 32 of the model, 2 of motion
    assert found.moves.shape == (3, 128, 128)
    assert np.isfinite(found.descriptors).all()
    entities = entities_of_patches(found, 3, 0)
    assert entities.max() < 3


def test_the_tokens_are_those_of_the_class_itself(folders: dict[str, str]) -> None:
    import transformers

    model = transformers.Dinov2Model.from_pretrained(folders["dinov2"]).eval()
    frame = np.random.default_rng(0).integers(
        0, 256, (56, 56, 3), np.uint8
    )  # 4 x 4 patches of 14: no resizing
    mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = ((torch.from_numpy(frame) / 255 - mean) / spread).permute(2, 0, 1)[None]
    with torch.inference_mode():
        expected = model(pixels).last_hidden_state[0, 1:].reshape(4, 4, 32)
    expected = expected / expected.norm(dim=-1, keepdim=True)
    np.testing.assert_allclose(_extractor("dinov2", folders).tokens([frame])[0], expected, atol=1e-5)


def test_half_precision_answers_nearly_the_same(folders: dict[str, str]) -> None:
    frame = scene.footage().frames[:1]
    exact = _extractor("dinov2", folders).tokens(list(frame))
    rough = _extractor("dinov2", folders, precision="bfloat16").tokens(list(frame))
    assert np.abs(exact - rough).max() < 0.05


def test_a_model_of_another_family_is_named(folders: dict[str, str]) -> None:
    wrong = LearnedParams(features_model=folders["dinov3"], device="cpu")
    with pytest.raises(WeightsError, match=r"'dinov3_vit'; dinov2 cannot use it(.|\n)*model_type dinov2 or"):
        load_feature_extractor("dinov2", wrong).tokens([np.zeros((64, 64, 3), np.uint8)])


def test_a_folder_that_is_not_there_says_how_to_fetch_it(tmp_path: Path) -> None:
    missing = LearnedParams(features_model=str(tmp_path / "nowhere"), device="cpu")
    with pytest.raises(WeightsError) as caught:
        load_feature_extractor("dinov2", missing).tokens([np.zeros((64, 64, 3), np.uint8)])
    assert "there is no such folder" in caught.value.found
    assert "hf download facebook/dinov2-base --local-dir models/dinov2-base" in caught.value.remedy
    assert "extract.learned.features_model" in caught.value.remedy


def test_weights_that_lack_a_part_are_refused_not_filled_with_random_numbers(
    folders: dict[str, str], tmp_path: Path
) -> None:
    import safetensors.torch as st

    source, broken = Path(folders["dinov2"]), tmp_path / "dinov2-broken"
    broken.mkdir()
    (broken / "config.json").write_text((source / "config.json").read_text())
    weights = st.load_file(source / "model.safetensors")
    gone = next(name for name in sorted(weights) if "layer.0" in name)
    st.save_file(
        {name: value for name, value in weights.items() if name != gone}, broken / "model.safetensors"
    )
    with pytest.raises(
        WeightsError, match=r"it lacks 1 of the weights of Dinov2Model, e\.g\. encoder.layer.0"
    ):
        _extractor("dinov2", {"dinov2": str(broken)}).tokens([np.zeros((64, 64, 3), np.uint8)])


def test_a_truncated_file_is_an_error_for_people(folders: dict[str, str], tmp_path: Path) -> None:
    source, broken = Path(folders["dinov2"]), tmp_path / "dinov2-short"
    broken.mkdir()
    (broken / "config.json").write_text((source / "config.json").read_text())
    content = (source / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(WeightsError, match="dinov2 cannot load its weights from "):
        _extractor("dinov2", {"dinov2": str(broken)}).tokens([np.zeros((64, 64, 3), np.uint8)])


def test_a_damaged_config_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "nonsense"}))
    with pytest.raises(WeightsError):
        _extractor("dinov2", {"dinov2": str(tmp_path)}).tokens([np.zeros((64, 64, 3), np.uint8)])


def test_the_model_stays_in_the_slot_until_another_is_asked_for(folders: dict[str, str]) -> None:
    first = _extractor("dinov2", folders)
    first.tokens([np.zeros((64, 64, 3), np.uint8)])
    held = SLOT.held()
    first.tokens([np.zeros((64, 64, 3), np.uint8)])
    assert SLOT.held() == held
    _extractor("dinov3", folders).tokens([np.zeros((64, 64, 3), np.uint8)])
    assert SLOT.held() != held
