"""Frames turned by EXIF: a point stays on its pixel when pictures, camera, poses and depth are turned."""

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mu0.errors import SourceError
from mu0.sources.clip.on_disk import Clip
from mu0.sources.own_files.reader import find_items, write_item
from mu0.sources.own_files.turned_frames import turning_of

H, W, N = 36, 48, 3
K = {"fx": 40.0, "fy": 44.0, "cx": 22.0, "cy": 18.5}
POINT = np.array([0.08, -0.05, 1.25])  # in the stored camera; its pixel is bright
ORIENTATIONS = list(range(1, 9))


def stored_picture() -> np.ndarray:
    image = np.full((H, W, 3), 40, np.uint8)
    x, y = pixel_of(np.array([[K["fx"], 0, K["cx"]], [0, K["fy"], K["cy"]], [0, 0, 1]]), POINT)
    image[y - 1 : y + 2, x - 1 : x + 2] = 255
    return image


def pixel_of(intrinsics: np.ndarray, point: np.ndarray) -> tuple[int, int]:
    u, v, w = intrinsics @ point
    return round(u / w), round(v / w)


def jpeg(image: np.ndarray, orientation: int) -> bytes:
    picture, exif = Image.fromarray(image), Image.Exif()
    exif[0x0112] = orientation
    goal = io.BytesIO()
    picture.save(goal, "JPEG", quality=97, exif=exif.tobytes())
    return goal.getvalue()


def recording(
    root: Path, orientation: int, *, camera: dict[str, float] | None = K, poses: bool = True
) -> Path:
    (root / "scene/color").mkdir(parents=True)
    (root / "scene/depth").mkdir()
    depth = np.full((H, W), 2000, np.uint16)
    depth[stored_picture()[..., 0] > 200] = 1250
    for number in range(N):
        (root / f"scene/color/{number:03d}.jpg").write_bytes(jpeg(stored_picture(), orientation))
        cv2.imwrite(str(root / f"scene/depth/{number:03d}.png"), depth)
    if camera is not None:
        (root / "scene/camera.json").write_text(json.dumps(camera))
    if poses:
        rows = [" ".join(map(str, np.eye(4).ravel())) for _ in range(N)]
        (root / "scene/poses.txt").write_text("\n".join(rows))
    return root


def clip_of(root: Path) -> Clip:
    (item,) = find_items(root)
    return write_item(item, root / "clip", "s", 10.0)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_point_keeps_its_pixel_and_its_depth(tmp_path: Path, orientation: int) -> None:
    is_mirrored = orientation in {2, 4, 5, 7}
    clip = clip_of(recording(tmp_path, orientation, poses=not is_mirrored))
    frame, depth_m, intrinsics = clip.frames()[0], clip.depth_m(), clip.intrinsics()
    assert depth_m is not None
    assert intrinsics is not None
    rows, columns = np.nonzero(frame[..., 0] > 160)
    bright = round(columns.mean()), round(rows.mean())
    np.testing.assert_allclose(depth_m[0][frame[..., 0] > 200], 1.25, atol=1e-3)
    assert intrinsics[0, 0] > 0 < intrinsics[1, 1]
    if not is_mirrored:
        poses = clip.camera_from_world()
        assert poses is not None
        point = poses[0, :3, :3] @ POINT + poses[0, :3, 3]
        assert pixel_of(intrinsics, point) == bright
    assert ("turned as their EXIF says" in clip.info.note) == (orientation > 1)


def test_an_upright_phone_gives_the_upright_camera(tmp_path: Path) -> None:
    clip = clip_of(recording(tmp_path, 6, poses=False))
    intrinsics = clip.intrinsics()
    assert intrinsics is not None
    assert (clip.info.width_px, clip.info.height_px) == (H, W)
    assert (intrinsics[0, 0], intrinsics[1, 1]) == (K["fy"], K["fx"])
    np.testing.assert_allclose(intrinsics[:2, 2], [H - 1 - K["cy"], K["cx"]])


def test_a_camera_of_the_upright_pictures_is_left_as_it_is(tmp_path: Path) -> None:
    upright = {"fx": 44.0, "fy": 40.0, "cx": 17.5, "cy": 23.5}
    clip = clip_of(recording(tmp_path, 8, camera=upright, poses=False))
    intrinsics = clip.intrinsics()
    assert intrinsics is not None
    np.testing.assert_array_equal(intrinsics[:2, 2], [17.5, 23.5])
    assert "that of the upright pictures" in clip.info.note


def test_mirrored_poses_are_left_out_and_told(tmp_path: Path) -> None:
    clip = clip_of(recording(tmp_path, 2))
    assert clip.camera_from_world() is None
    assert "cannot be mirrored" in clip.info.note


def test_pictures_turned_in_two_ways_are_refused_with_a_camera(tmp_path: Path) -> None:
    root = recording(tmp_path, 1, poses=False)
    (root / "scene/color/001.jpg").write_bytes(jpeg(stored_picture(), 3))
    with pytest.raises(SourceError, match="EXIF orientation 3"):
        clip_of(root)


def test_pictures_without_anything_beside_are_turned_each(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.jpg" for number in (1, 3)]
    for path, orientation in zip(paths, (1, 3), strict=True):
        path.write_bytes(jpeg(stored_picture(), orientation))
    assert not turning_of(paths, all_alike=False).is_turned
