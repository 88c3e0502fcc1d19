"""Metric depth from single frames: true classes with random weights, exact shapes, honest cameras."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mu0.errors import WeightsError
from mu0.params.learned import LearnedParams
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.backends.registry import load_reconstructor
from mu0.traceextract.reconstruction.monocular_depth import MonocularDepth
from tests.mu0.traceextract import square_scene as scene
from tests.mu0.traceextract import tiny_models

pytestmark = pytest.mark.slow  # transformers takes seconds to import


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("depth")
    return {
        "depth_anything": tiny_models.depth_anything(root / "depth_anything"),
        "depth_pro": tiny_models.depth_pro(root / "depth_pro"),
        "depth_pro without lens": tiny_models.depth_pro(root / "blind", field_of_view=False),
        "relative": tiny_models.depth_anything(root / "relative", "relative"),
    }


def _model(name: str, folder: str, **options) -> MonocularDepth:
    found = load_reconstructor(name, LearnedParams(depth_model=folder, device="cpu", **options))
    assert isinstance(found, MonocularDepth)
    return found


def _colour_only(n_frames: int = 5) -> Footage:
    return replace(
        (whole := scene.footage(depth=False, poses=False)),
        frames=whole.frames[:n_frames],
        source_frames=whole.source_frames[:n_frames],
    )


@pytest.mark.parametrize("name", ["depth_anything", "depth_pro"])
@pytest.mark.parametrize("size", [(128, 128), (96, 150), (150, 70)])
def test_depth_has_the_image_s_shape_and_is_positive_and_finite(name, size, folders) -> None:
    frames = list(np.random.default_rng(0).integers(0, 256, (3, *size, 3), np.uint8))
    depth_m, _ = _model(name, folders[name]).predict(frames)
    assert depth_m.shape == (3, *size)
    assert depth_m.dtype == np.float32
    assert np.isfinite(depth_m).all()
    assert (depth_m > 0).all()


@pytest.mark.parametrize("name", ["depth_anything", "depth_pro"])
def test_depth_does_not_depend_on_the_batch(name, folders) -> None:
    frames = list(scene.footage().frames[:3])
    together, _ = _model(name, folders[name]).predict(frames)
    single = np.concatenate([_model(name, folders[name]).predict([frame])[0] for frame in frames])
    np.testing.assert_allclose(1 / together, 1 / single, atol=1e-4)


def test_the_depth_is_that_of_the_class_itself(folders) -> None:
    import transformers

    model = transformers.DepthAnythingForDepthEstimation.from_pretrained(folders["depth_anything"]).eval()
    frame = np.random.default_rng(0).integers(0, 256, (56, 56, 3), np.uint8)  # 4 x 4 patches: no resizing
    mean, spread = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    pixels = ((torch.from_numpy(frame) / 255 - mean) / spread).permute(2, 0, 1)[None]
    with torch.inference_mode():
        expected = model(pixels).predicted_depth
    found, _ = _model("depth_anything", folders["depth_anything"]).predict([frame])
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_depth_pro_s_metres_follow_its_own_processor(folders) -> None:
    """`post_process_depth_estimation` of transformers, written out for one frame."""
    import transformers

    model = transformers.DepthProForDepthEstimation.from_pretrained(folders["depth_pro"]).eval()
    frame = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)  # its own size: no resizing
    pixels = ((torch.from_numpy(frame) / 255 - 0.5) / 0.5).permute(2, 0, 1)[None]
    with torch.inference_mode():
        found = model(pixels)
    focal = 0.5 * 128 / torch.tan(0.5 * torch.deg2rad(found.field_of_view))
    inverse = torch.nn.functional.interpolate(
        (found.predicted_depth * 128 / focal)[:, None], size=(128, 128), mode="bilinear"
    )[:, 0]
    expected = 1 / torch.clamp(inverse, 1e-4, 1e4)
    depth_m, view_rad = _model("depth_pro", folders["depth_pro"]).predict([frame])
    np.testing.assert_allclose(1 / depth_m, 1 / expected, atol=1e-4)
    np.testing.assert_allclose(view_rad, np.radians(found.field_of_view), rtol=1e-5)


def test_a_clip_gets_one_camera_and_says_where_it_is_from(folders) -> None:
    given = replace(_colour_only(), intrinsics=scene.INTRINSICS)
    assumed = _model("depth_anything", folders["depth_anything"]).reconstruct(_colour_only())
    assert "intrinsics assumed: field of view 60 degrees" in assumed.note
    assert assumed.intrinsics_source == "assumed_fov"
    assert assumed.intrinsics[0, 0] == pytest.approx(64 / np.tan(np.radians(30)))
    known = _model("depth_anything", folders["depth_anything"]).reconstruct(given)
    assert "intrinsics from the data" in known.note
    assert known.intrinsics_source == ""
    np.testing.assert_array_equal(known.intrinsics, scene.INTRINSICS)
    blind = _model("depth_pro", folders["depth_pro without lens"]).reconstruct(_colour_only())
    assert "intrinsics assumed" in blind.note


def test_depth_pro_s_field_of_view_becomes_the_camera(folders) -> None:
    model, footage = _model("depth_pro", folders["depth_pro"]), _colour_only()
    _, view_rad = model.predict(list(footage.frames))
    found = model.reconstruct(footage)
    assert "intrinsics predicted" in found.note
    assert found.intrinsics_source == "predicted"
    assert found.intrinsics[0, 0] == pytest.approx(64 / np.tan(np.median(view_rad) / 2), rel=1e-6)


def test_a_colour_clip_becomes_three_dimensional_with_a_camera_path(folders) -> None:
    found = _model("depth_anything", folders["depth_anything"]).reconstruct(_colour_only(8))
    assert found.is_3d
    assert found.pose_source == "odometry"
    assert len(found.depth_m) == 8
    assert found.camera_from_world.shape == (8, 4, 4)
    assert "depth predicted by depth_anything" in found.note


def test_measured_depth_is_preferred(folders) -> None:
    found = _model("depth_anything", folders["depth_anything"]).reconstruct(scene.footage())
    np.testing.assert_allclose(found.depth_m[0, 0, 0], scene.WALL_M)
    assert found.pose_source == "given"


def test_given_poses_are_kept(folders) -> None:
    poses = np.tile(np.eye(4), (5, 1, 1))
    found = _model("depth_anything", folders["depth_anything"]).reconstruct(
        replace(_colour_only(), camera_from_world=poses)
    )
    assert found.pose_source == "given"


def test_a_relative_model_is_refused(folders) -> None:
    with pytest.raises(WeightsError, match=r"predicts relative depth(.|\n)*depth in metres(.|\n)*V2-Metric"):
        _model("depth_anything", folders["relative"]).predict([np.zeros((56, 56, 3), np.uint8)])
