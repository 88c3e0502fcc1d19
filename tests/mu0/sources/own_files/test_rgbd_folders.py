"""RGB-D folders with known answers: TUM times and poses, resampling, cameras, paths that would leave them."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mu0.errors import SourceError
from mu0.params.raw_videos import FilesSource
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.containers.encoding import write_video
from mu0.sources.own_files.reader import find_items, fingerprint, write_item

H, W = 24, 32


def write_images(folder: Path, n: int, size: tuple[int, int] = (H, W)) -> None:
    (folder / "rgb").mkdir(parents=True)
    (folder / "depth").mkdir()
    for number in range(n):
        cv2.imwrite(str(folder / f"rgb/{number}.png"), np.full((*size, 3), 10 * number, np.uint8))
        cv2.imwrite(str(folder / f"depth/{number}.png"), np.full(size, 5000 + number, np.uint16))


def tum_folder(folder: Path, times_s: list[float], lines: list[str], *, with_camera: bool = True) -> Path:
    write_images(folder, len(times_s))
    for name, delay in (("rgb", 0.0), ("depth", 0.004)):
        rows = [f"{time + delay:.6f} {name}/{number}.png\n" for number, time in enumerate(times_s)]
        (folder / f"{name}.txt").write_text("# time file\n" + "".join(rows))
    (folder / "groundtruth.txt").write_text("# time tx ty tz qx qy qz qw\n" + "".join(lines))
    if with_camera:
        (folder / "camera.json").write_text(json.dumps({"fx": 30, "fy": 30, "cx": 15.5, "cy": 11.5}))
    return folder


def pose_line(time_s: float, metres: tuple[float, float, float], turn: Rotation) -> str:
    return " ".join(f"{value:.9f}" for value in (time_s, *metres, *turn.as_quat())) + "\n"


def only(root: Path, **options: object) -> Clip:
    (item,) = find_items(root)
    params = FilesSource.model_validate({"kind": "files", "folder": str(root), **options})
    goal = root.parent / "out" / item.clip_id
    write_item(item, goal, "mine", params.frame_rate_hz, params)
    return read_clip(goal)


def test_tum_poses_are_camera_to_world_and_become_camera_from_world(tmp_path: Path) -> None:
    turn = Rotation.from_euler("z", 90, degrees=True)
    lines = [pose_line(t, (1.0, 2.0, 3.0), turn) for t in (0.0, 0.1, 0.2)]
    tum_folder(tmp_path / "videos/tum", [0.0, 0.1, 0.2], lines)
    clip = only(tmp_path / "videos")
    camera_from_world = clip.camera_from_world()
    assert camera_from_world is not None
    point_world = np.array([1.0, 3.0, 3.0, 1.0])  # one metre along world y = along the camera's own x
    np.testing.assert_allclose(camera_from_world[1] @ point_world, [1, 0, 0, 1], atol=1e-6)
    depth_m = clip.depth_m()
    assert depth_m is not None
    np.testing.assert_allclose(depth_m[2], 5002 / 5000, atol=0.00051)
    assert (clip.info.intrinsics_source, clip.info.note) == ("data", "")


def test_poses_between_two_measurements_are_interpolated(tmp_path: Path) -> None:
    lines = [
        pose_line(t, (t, 0.0, 0.0), Rotation.from_euler("y", 10 * t)) for t in np.arange(0, 0.5, 0.01) + 0.003
    ]
    tum_folder(tmp_path / "videos/tum", [0.1, 0.2, 0.3], lines)
    poses = only(tmp_path / "videos").camera_from_world()
    assert poses is not None
    world_from_camera = np.linalg.inv(poses)
    np.testing.assert_allclose(world_from_camera[:, 0, 3], [0.1, 0.2, 0.3], atol=1e-6)
    angles = Rotation.from_matrix(world_from_camera[:, :3, :3]).as_euler("yxz")[:, 0]
    np.testing.assert_allclose(angles, [1.0, 2.0, 3.0], atol=2e-5)


def test_frames_without_depth_or_pose_are_counted_in_the_note(tmp_path: Path) -> None:
    times_s = [0.0, 0.1, 0.2, 0.3, 0.4]
    lines = [pose_line(t, (t, 0.0, 0.0), Rotation.identity()) for t in times_s[1:]]
    folder = tum_folder(tmp_path / "videos/tum", times_s, lines)
    depth = (folder / "depth.txt").read_text().splitlines(keepends=True)
    (folder / "depth.txt").write_text("".join(depth[:-1]))
    clip = only(tmp_path / "videos")
    assert clip.info.n_frames == 3
    assert clip.info.note == (
        "1 of 5 frames were left out: no depth at their time; "
        "1 of 4 frames were left out: no pose at their time"
    )
    times = clip.times()
    assert times is not None
    np.testing.assert_allclose(times.time_s, [0, 0.1, 0.2])


def test_a_tum_recording_is_resampled_by_its_own_times(tmp_path: Path) -> None:
    times_s = [0.0, 0.04, 0.08, 0.12, 0.16, 0.20, 0.24, 0.28]
    lines = [pose_line(t, (t, 0.0, 0.0), Rotation.identity()) for t in times_s]
    tum_folder(tmp_path / "videos/tum", times_s, lines)
    clip = only(tmp_path / "videos", resample_hz=10.0)
    times = clip.times()
    assert times is not None
    assert times.source_frame.tolist() == [0, 3, 5, 7]
    assert clip.info.fps_hz == 10.0
    assert clip.frames()[:, 0, 0, 0].tolist() == [0, 30, 50, 70]
    poses, depth_m = clip.camera_from_world(), clip.depth_m()
    assert poses is not None
    assert depth_m is not None
    np.testing.assert_allclose(poses[:, 0, 3], [0, -0.12, -0.2, -0.28], atol=1e-6)
    np.testing.assert_allclose(depth_m[:, 0, 0], [1.0, 1.001, 1.001, 1.001], atol=0.00051)


def test_poses_without_intrinsics_are_left_out_and_told(tmp_path: Path) -> None:
    lines = [pose_line(t, (t, 0.0, 0.0), Rotation.identity()) for t in (0.0, 0.1)]
    tum_folder(tmp_path / "videos/tum", [0.0, 0.1], lines, with_camera=False)
    clip = only(tmp_path / "videos")
    assert (clip.info.has_poses, clip.info.intrinsics_source) == (False, "none")
    assert clip.info.note == "camera poses were left out: they are of no use without intrinsics"


def test_an_assumed_field_of_view_is_flagged(tmp_path: Path) -> None:
    write_images(tmp_path / "videos/scene", 3)
    clip = only(tmp_path / "videos", assumed_fov_deg=90.0)
    intrinsics = clip.intrinsics()
    assert intrinsics is not None
    np.testing.assert_allclose(intrinsics, [[16, 0, 15.5], [0, 16, 11.5], [0, 0, 1]])
    assert clip.info.intrinsics_source == "assumed_fov"


def test_images_of_two_sizes_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "videos/frames"
    folder.mkdir(parents=True)
    for number, size in enumerate([(H, W), (H, W), (W, H)]):
        cv2.imwrite(str(folder / f"{number}.png"), np.zeros((*size, 3), np.uint8))
    with pytest.raises(SourceError, match=r"2\.png has 32 x 24 pixels, but 0\.png has 24 x 32"):
        only(tmp_path / "videos")


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/hostname", "rgb/../../secret.png", "link/secret.png"]
)
def test_a_list_cannot_reach_files_outside_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "videos/tum"
    tum_folder(folder, [0.0, 0.1], [])
    outside = tmp_path / "outside"
    outside.mkdir()
    cv2.imwrite(str(outside / "secret.png"), np.zeros((H, W, 3), np.uint8))
    (folder / "link").symlink_to(outside)
    (folder / "rgb.txt").write_text(f"0.0 {name}\n0.1 rgb/1.png\n")
    (item,) = find_items(tmp_path / "videos")
    assert item.fault is not None
    assert f"rgb.txt, line 1: The name {name!r} points outside {folder}." in str(item.fault)


def test_a_camera_file_beside_a_video_is_read_and_part_of_its_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos/cup.mp4", np.zeros((4, H, W, 3), np.uint8), 10.0)
    (item,) = find_items(tmp_path / "videos")
    before = fingerprint(item)
    base = np.eye(4)
    base[:3, 3] = 0, 0, 0.7
    content = {"K": [[60, 0, 31.5], [0, 60, 23.5], [0, 0, 1]], "width_px": 2 * W, "height_px": 2 * H}
    (tmp_path / "videos/cup.json").write_text(json.dumps({**content, "camera_from_base": base.tolist()}))
    assert fingerprint(item) != before
    clip = only(tmp_path / "videos")
    intrinsics, poses = clip.intrinsics(), clip.camera_from_world()
    assert intrinsics is not None
    assert poses is not None
    np.testing.assert_allclose(intrinsics, [[30, 0, 15.5], [0, 30, 11.5], [0, 0, 1]])
    np.testing.assert_allclose(poses, np.tile(base, (4, 1, 1)))
    assert (clip.info.intrinsics_source, clip.info.hand_eye_source) == ("data", "data")
