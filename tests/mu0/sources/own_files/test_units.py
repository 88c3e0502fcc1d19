"""Metres and pixels: the unit is what somebody says, else what is usual and possible."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.camera_keys import CameraKeys, camera_matrix
from mu0.sources.clip.plausible import camera_note, depth_note, rate_note
from tests.mu0.sources.own_files import sliding_square as scene

TRUE_M = (1.0, 1.5)


@pytest.mark.parametrize(
    ("per_m", "said"),
    [
        (5000, {"depth_scale": 5000.0}),
        (4000, {"depth_scale": 0.00025}),
        (6553.5, {"png_depth_scale": 6553.5}),
        (10000, {"depth": {"scale": 1e-4}}),
        (5000, {"camera": {"w": 48, "h": 24, **scene.CAMERA, "scale": 5000.0}}),  # as Replica writes it
        (5000, {"DepthMapFactor": 5000}),
        (1000, {"depth_unit": "mm"}),
        (100, {"depth-units": "cm"}),
    ],
)
def test_the_camera_file_says_the_unit(per_m: float, said: dict[str, Any], tmp_path: Path) -> None:
    camera = said if "camera" in said else {**scene.CAMERA, **said}
    scene.recording(tmp_path / "in/a", per_m=per_m, camera=camera)
    clip = scene.collected(tmp_path / "in")
    np.testing.assert_allclose(scene.depths_m(clip), TRUE_M, atol=0.001)
    assert clip.info.median_depth_m == pytest.approx(1.5, abs=0.001)
    assert clip.info.note == ""


def test_the_sources_option_comes_first(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", per_m=2000, camera={**scene.CAMERA, "depth_scale": 5000})
    assert scene.depths_m(scene.collected(tmp_path / "in", depth_units_per_m=2000)) == TRUE_M


@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.int64])
def test_whole_numbers_in_an_array_are_millimetres(kind: type, tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", depth=[])
    for number in range(8):
        scene.save(tmp_path / f"in/a/depth/{number}.npy", scene.units(number).astype(kind))
    assert scene.depths_m(scene.collected(tmp_path / "in")) == TRUE_M


def test_millimetres_as_floating_point_are_refused_with_what_was_found(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", depth=[])
    for number in range(8):
        scene.save(tmp_path / f"in/a/depth/{number}.npy", 1000 * scene.depth_m(number))
    with pytest.raises(SourceError, match=r"median depth is 1500 units[\s\S]*depth_units_per_m"):
        scene.collected(tmp_path / "in")
    assert scene.depths_m(scene.collected(tmp_path / "in", depth_units_per_m=1000)) == TRUE_M


@pytest.mark.parametrize(("per_m", "is_told"), [(50, True), (20000, True)])
def test_an_assumed_unit_must_give_a_room_and_a_stated_one_is_doubted(
    per_m: float, is_told: bool, tmp_path: Path
) -> None:
    scene.recording(tmp_path / "in/a", per_m=per_m)
    with pytest.raises(SourceError, match="median depth is"):
        scene.collected(tmp_path / "in")
    clip = scene.collected(tmp_path / "in", depth_units_per_m=1000)
    assert ("is its unit right?" in clip.info.note) == is_told


def test_what_was_not_measured_does_not_count(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", depth=[])
    for number in range(8):
        depth = scene.units(number)
        depth[:16] = 65535  # 7-Scenes: nothing was measured
        depth[16:20] = 0
        scene.save(tmp_path / f"in/a/depth/{number}.png", depth)
    clip = scene.collected(tmp_path / "in")
    assert clip.info.median_depth_m == 1.5
    depth_m = clip.depth_m()
    assert depth_m is not None
    assert not depth_m[:, :20].any()


MATRIX = [[90.0, 0.0, 47.5], [0.0, 91.0, 35.5], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    "content",
    [
        {"fx": 90, "fy": 91, "cx": 47.5, "cy": 35.5},
        {"fl_x": 90, "fl_y": 91, "cx": 47.5, "cy": 35.5},
        {"intrinsics": {"fx": 90, "fy": 91, "ppx": 47.5, "ppy": 35.5}},
        {"K": MATRIX},
        {"k": np.array(MATRIX).ravel().tolist()},
        {"intrinsic_matrix": np.array(MATRIX).T.ravel().tolist()},
        {"Camera-Matrix": {"rows": 3, "cols": 3, "data": np.array(MATRIX).ravel().tolist()}},
        {"intrinsics": [90, 91, 47.5, 35.5]},
        {"camera": {"intrinsic": MATRIX}},
        {"focal_length": [90, 91], "principal_point": [47.5, 35.5]},
    ],
)
def test_spellings_of_a_camera(content: dict[str, Any]) -> None:
    found = CameraKeys(content).intrinsics()
    assert found is not None
    np.testing.assert_allclose(found, MATRIX)


@pytest.mark.parametrize("size", [{"width": 96, "height": 48}, {"w": 96, "h": 48}, {"image_size": [96, 48]}])
def test_a_camera_of_larger_pictures_is_scaled(size: dict[str, Any], tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", camera={"fx": 80, "fy": 80, "cx": 47.5, "cy": 23.5, **size})
    found = scene.collected(tmp_path / "in").intrinsics()
    assert found is not None
    np.testing.assert_allclose(found, [[40, 0, 23.5], [0, 40, 11.5], [0, 0, 1]])


def test_a_camera_of_pictures_of_another_shape_is_refused(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", camera={**scene.CAMERA, "width": 64, "height": 64})
    with pytest.raises(SourceError, match="measured on 64 x 64 images, but the frames have 24 x 48 pixels"):
        scene.collected(tmp_path / "in")


def test_numbers_that_are_no_camera_matrix_are_refused() -> None:
    with pytest.raises(ValueError, match="last row"):
        camera_matrix(np.arange(1.0, 10.0))


def test_limits_of_what_is_plausible() -> None:
    assert [bool(depth_note(m)) for m in (0.09, 0.1, 20.0, 20.1, None)] == [True, False, False, True, False]
    assert [bool(rate_note(hz)) for hz in (0.9, 1.0, 480.0, 481.0)] == [True, False, False, True]
    camera = np.array([[0.8, 0, 0.5], [0, 0.8, 0.5], [0, 0, 1]])  # in pictures instead of pixels
    assert "is it in pixels?" in camera_note(camera, None, 640, 30.0)
    path = np.tile(np.eye(4), (5, 1, 1))
    path[:, 0, 3] = np.arange(5) * 10.0  # a centimetre per frame, in millimetres
    assert "are its poses in metres?" in camera_note(None, path, 640, 30.0)
    path[:, 0, 3] /= 1000
    assert camera_note(np.array(MATRIX), path, 96, 30.0) == ""


def test_a_rate_of_no_camera_is_told(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", camera={**scene.CAMERA, "fps": 0.1})
    assert "the rate is 0.1 Hz" in scene.collected(tmp_path / "in").info.note
    (tmp_path / "in/a/camera.json").write_text(json.dumps({**scene.CAMERA, "fps": None, "frame_rate": 15}))
    assert scene.collected(tmp_path / "in").info.fps_hz == 15.0
