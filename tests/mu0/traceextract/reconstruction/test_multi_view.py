"""VGGT and SpatialTrackerV2 through their contracts: chunks become one path, in metres or not at all."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import stand_in_views as stand_in

from mu0.errors import WeightsError
from mu0.geometry.alignment import align_poses
from mu0.geometry.rigid import invert
from mu0.params.learned import LearnedParams
from mu0.traceextract.backends.interfaces import Footage
from mu0.traceextract.backends.model_slot import SLOT
from mu0.traceextract.backends.registry import load_reconstructor
from mu0.traceextract.reconstruction.multi_view import look_size

HEIGHT, WIDTH, N_FRAMES = 60, 80, 25
NAMES = ("vggt", "spatialtracker_v2")


@pytest.fixture
def code(tmp_path: Path) -> Iterator[Path]:
    for module, names in {
        "vggt/models/vggt": "VGGT",
        "vggt/utils/pose_enc": "pose_encoding_to_extri_intri",
        "models/SpaTrackV2/models/vggt4track/models/vggt_moe": "VGGT4Track",
    }.items():
        path = tmp_path / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"from stand_in_views import {names}\n")
    before = set(sys.path)
    yield tmp_path
    SLOT.free()
    sys.path[:] = [place for place in sys.path if place in before]
    for name in [name for name in sys.modules if name.partition(".")[0] in {"vggt", "models"}]:
        del sys.modules[name]


def _depth_m() -> np.ndarray:
    """A wall that is nearer on the right, in steps that survive eight bits."""
    red = np.linspace(200, 100, WIDTH).round()
    return np.repeat(red[None] * 4 / 255, HEIGHT, 0).astype(np.float32)


def _footage(n_frames: int = N_FRAMES) -> Footage:
    frames = np.zeros((n_frames, HEIGHT, WIDTH, 3), np.uint8)
    frames[..., 0] = (_depth_m() / 4 * 255).round()
    frames[..., 2] = np.arange(n_frames)[:, None, None]
    return Footage(frames, None, None, None, np.arange(n_frames), 10.0)


def _reconstruct(name: str, code: Path, footage: Footage, **options):
    learned = LearnedParams(
        depth_model=str(code),
        depth_code=str(code),
        device="cpu",
        chunk_frames=12,
        anchors_per_chunk=4,
        **options,
    )
    return load_reconstructor(name, learned).reconstruct(footage)


def _check(found, n_frames: int = N_FRAMES) -> None:
    assert found.is_3d
    truth = stand_in.path(np.arange(n_frames))
    fit = align_poses(invert(found.camera_from_world), truth)
    assert fit.distance.max() < 1e-3
    assert fit.angle_rad.max() < 1e-3
    if found.pose_source == "odometry":
        np.testing.assert_allclose(found.camera_from_world[0], np.eye(4), atol=1e-9)
    assert len(found.depth_m) == n_frames
    assert found.depth_m[0].shape == (HEIGHT, WIDTH)
    np.testing.assert_allclose(found.depth_m[n_frames // 2], _depth_m(), rtol=0.01)
    focal = stand_in.FOCAL_SHARE * 518
    expected = [[focal * WIDTH / 518, 0, WIDTH / 2], [0, focal * HEIGHT / 392, HEIGHT / 2], [0, 0, 1]]
    np.testing.assert_allclose(found.intrinsics, expected, rtol=1e-6)


def test_metric_chunks_become_one_path_depth_and_lens(code: Path) -> None:
    found = _reconstruct("spatialtracker_v2", code, _footage())
    _check(found)
    assert "chunks with at least 4 anchors" in found.note
    assert found.note.endswith("metres as predicted")


def test_vggt_takes_its_metres_from_the_camera_path(code: Path) -> None:
    poses = invert(stand_in.path(np.arange(N_FRAMES)))
    with_path = _reconstruct("vggt", code, replace(_footage(), camera_from_world=poses))
    _check(with_path)
    assert with_path.note.endswith("metres from the source's camera path")
    assert with_path.pose_source == "given"


def test_vggt_takes_its_metres_from_the_depth(code: Path) -> None:
    depth_m = np.repeat(_depth_m()[None], N_FRAMES, 0)
    with_depth = _reconstruct("vggt", code, replace(_footage(), depth_m=depth_m))
    _check(with_depth)
    assert with_depth.note.endswith("metres from the source's depth")


def test_vggt_takes_its_metres_from_the_user(code: Path) -> None:
    found = _reconstruct("vggt", code, _footage(8), metres_per_unit=2.0)
    assert found.is_3d
    assert found.note.endswith("metres from metres_per_unit")


def test_vggt_without_metres_stays_two_dimensional_and_says_why(code: Path) -> None:
    found = _reconstruct("vggt", code, _footage())
    assert not found.is_3d
    assert found.note.startswith("2-D only: vggt has no metres and neither depth nor a camera path nor")


@pytest.mark.parametrize("name", NAMES)
def test_a_short_clip_is_one_look(name: str, code: Path) -> None:
    found = _reconstruct(name, code, _footage(10), metres_per_unit=1.0)
    assert "; one look; " in found.note
    assert len(found.camera_from_world) == 10


def test_everything_given_is_kept(code: Path) -> None:
    poses = np.tile(np.eye(4), (5, 1, 1))
    depth_m = np.repeat(_depth_m()[None], 5, 0)
    given = replace(_footage(5), camera_from_world=poses, depth_m=depth_m, intrinsics=np.diag([80.0, 80, 1]))
    assert _reconstruct("vggt", code, given).pose_source == "given"


@pytest.mark.parametrize(
    ("size", "expected"), [((480, 640), (392, 518)), ((640, 480), (518, 392)), ((360, 640), (294, 518))]
)
def test_portrait_and_landscape_are_resized_not_cropped(size, expected) -> None:
    assert look_size(*size) == expected


@pytest.mark.parametrize("name", NAMES)
def test_code_that_is_not_installed_says_how_to_get_it(name: str, tmp_path: Path) -> None:
    learned = LearnedParams(depth_model=str(tmp_path), device="cpu")
    with pytest.raises(WeightsError, match=rf"{name} needs code that cannot be imported(.|\n)*depth_code"):
        load_reconstructor(name, learned).reconstruct(_footage(3))


def test_weights_that_are_not_there_are_named(code: Path, tmp_path: Path) -> None:
    learned = LearnedParams(depth_model=str(tmp_path / "nowhere"), depth_code=str(code), device="cpu")
    with pytest.raises(WeightsError, match="no such folder"):
        load_reconstructor("vggt", learned).reconstruct(_footage(3))
