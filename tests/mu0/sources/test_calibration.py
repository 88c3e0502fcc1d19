"""Cameras: the data first, then the calibration file, a guess only when asked for; each flagged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.params.raw_videos import FolderSource
from mu0.sources.calibration import ResolvedCamera, read_calibration, resized_intrinsics, resolve_camera

SIZE = (480, 640)
DATA = np.array([[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]])
FILE = {"fx": 600, "fy": 610, "cx": 320, "cy": 240}


def resolved(
    tmp_path: Path, content: Any = None, data: np.ndarray | None = None, **more: Any
) -> ResolvedCamera:
    if content is not None:
        (tmp_path / "camera.json").write_text(json.dumps(content))
        more["calibration"] = str(tmp_path / "camera.json")
    return resolve_camera(FolderSource(folder=".", **more), SIZE, data)


def test_the_data_go_first_then_the_file_then_the_guess(tmp_path: Path) -> None:
    assert resolved(tmp_path).intrinsics_source == "none"
    assert resolved(tmp_path).intrinsics is None
    assert resolved(tmp_path, FILE, DATA, assumed_fov_deg=60.0).intrinsics_source == "data"
    from_file = resolved(tmp_path, FILE, assumed_fov_deg=60.0)
    assert from_file.intrinsics_source == "calibration"
    np.testing.assert_allclose(from_file.intrinsics, [[600, 0, 320], [0, 610, 240], [0, 0, 1]])
    guessed = resolved(tmp_path, {"camera_from_base": np.eye(4).tolist()}, assumed_fov_deg=90.0)
    assert (guessed.intrinsics_source, guessed.hand_eye_source) == ("assumed_fov", "calibration")
    np.testing.assert_allclose(guessed.intrinsics, [[320, 0, 319.5], [0, 320, 239.5], [0, 0, 1]])


def test_a_file_of_another_size_is_scaled_and_of_another_shape_refused(tmp_path: Path) -> None:
    twice = resolved(tmp_path, {**FILE, "width_px": 1280, "height_px": 960})
    np.testing.assert_allclose(twice.intrinsics, [[300, 0, 159.75], [0, 305, 119.75], [0, 0, 1]])
    with pytest.raises(
        SourceError, match=r"measured on 720 x 1280 images, but the frames have 480 x 640 pix"
    ):
        resolved(tmp_path, {**FILE, "width_px": 1280, "height_px": 720})


def test_scaling_keeps_rays() -> None:
    small = resized_intrinsics(DATA, SIZE, (240, 320))
    pixel = np.array([100.0, 50.0])  # its centre in the half image
    ray = np.linalg.solve(DATA, [*(2 * pixel + 0.5), 1])
    np.testing.assert_allclose(np.linalg.solve(small, [*pixel, 1]), ray)


def test_cameras_of_a_file_are_taken_by_name(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({"top": FILE, "side": {**FILE, "fx": 700}}))
    for name, expected in (("top", 600), ("side", 700)):
        intrinsics = read_calibration(path, name).intrinsics
        assert intrinsics is not None
        assert intrinsics[0, 0] == expected
    other = read_calibration(path, "wrist")
    assert other.intrinsics is None
    assert other.note == "camera.json has no camera wrist, but side, top"
    with pytest.raises(SourceError, match="no camera under its keys side, top"):
        read_calibration(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"fx": 600}', r"does not describe a camera: KeyError\('fy'\)"),
        ("[1, 2]", "does not describe a camera"),
        ("{", "does not describe a camera"),
        (json.dumps({**FILE, "hand_eye": [[2.0, 0, 0, 0]] * 4}), "hand_eye is no rigid motion"),
        (json.dumps({**FILE, "camera_from_base": [1, 2]}), "cannot reshape"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "camera.json").write_text(content)
    with pytest.raises(SourceError, match=rf"camera\.json [\s\S]*{words}|{words}"):
        read_calibration(tmp_path / "camera.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.json is missing\.[\s\S]*correct `calibration` in params"):
        resolve_camera(FolderSource(folder=".", calibration=str(tmp_path / "absent.json")), SIZE)
