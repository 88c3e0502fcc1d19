"""What lies beside a clip is used, or told: no file and no key is passed over in silence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.containers.encoding import write_depth_video, write_video
from mu0.sources.own_files.reader import find_items, fingerprint
from tests.mu0.sources.own_files import sliding_square as scene

ALL = list(range(8))
POSES = np.tile(np.eye(4), (8, 1, 1))
POSES[:, 0, 3] = np.arange(8) / 10  # world_from_camera: a tenth of a metre per frame


def lines(rows: np.ndarray) -> str:
    return "\n".join(" ".join(map(str, row)) for row in rows) + "\n"


def moved_m(root: Path) -> list[float]:
    poses = scene.collected(root).camera_from_world()
    assert poses is not None
    return np.round(-poses[:, 0, 3], 6).tolist()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("traj.txt", lines(POSES.reshape(8, 16))),
        ("trajectory.txt", lines(POSES[:, :3].reshape(8, 12))),
        ("pose.txt", lines(POSES.reshape(32, 4))),
        ("odometry.csv", "timestamp, frame, x, y, z, qx, qy, qz, qw\n"
         + "".join(f"{n / 60}, {n}, {n / 10}, 0, 0, 0, 0, 0, 1\n" for n in ALL)),
    ],
)  # fmt: skip
def test_poses_under_other_names_are_read(name: str, text: str, tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a")
    (tmp_path / "in/a" / name).write_text(text)
    assert moved_m(tmp_path / "in") == [n / 10 for n in ALL]


@pytest.mark.parametrize("place", ["pose/{:06d}.txt", "poses/frame-{}.txt", "color/frame-{:06d}.pose.txt"])
def test_a_pose_per_frame_is_found_by_number(place: str, tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", [0, 1, 2, 4, 5, 6, 7])
    for number in ALL:
        path = tmp_path / "in/a" / place.format(number)
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines(POSES[number]))
    assert moved_m(tmp_path / "in") == [0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7]


def test_poses_count_all_frames_also_those_without_depth(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", depth=[0, 1, 2, 4, 5, 6, 7])
    (tmp_path / "in/a/poses.txt").write_text(lines(POSES.reshape(8, 16)))
    assert moved_m(tmp_path / "in") == [0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.7]


def test_lost_poses_are_left_out_and_told(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a")
    (tmp_path / "in/a/pose").mkdir()
    for number in ALL:  # ScanNet writes infinities where tracking was lost
        pose = POSES[number] if number != 3 else np.full((4, 4), -np.inf)
        (tmp_path / f"in/a/pose/{number}.txt").write_text(lines(pose))
    clip = scene.collected(tmp_path / "in")
    assert not clip.info.has_poses
    assert "poses in pose/ were left out: 1 of 8 frames have none" in clip.info.note


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cam_params.json", json.dumps({"camera": {**scene.CAMERA, "w": 48, "h": 24}})),
        ("calibration.json", json.dumps({"K": [[40, 0, 23.5], [0, 40, 11.5], [0, 0, 1]]})),
        ("intrinsics.txt", "40 0 23.5\n0 40 11.5\n0 0 1\n"),
        ("cam_K.txt", "40 0 23.5 0\n0 40 11.5 0\n0 0 1 0\n0 0 0 1\n"),
        ("camera_info.yaml", "image_width: 48\nimage_height: 24\ncamera_matrix:\n  rows: 3\n  cols: 3\n"
         "  data: [40., 0., 23.5, 0., 40., 11.5, 0., 0., 1.]\n"),
        ("intrinsics.txt", "fx = 40\nfy = 40\ncx = 23.5\ncy = 11.5\n"),
        ("intrinsic/intrinsic_color.txt", "40 0 23.5 0\n0 40 11.5 0\n0 0 1 0\n0 0 0 1\n"),
    ],
)  # fmt: skip
def test_camera_files_under_other_names_are_read(name: str, text: str, tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a")
    (tmp_path / "in/a/camera.json").unlink()
    (tmp_path / "in/a" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "in/a" / name).write_text(text)
    clip = scene.collected(tmp_path / "in")
    found = clip.intrinsics()
    assert found is not None
    np.testing.assert_allclose(found, [[40, 0, 23.5], [0, 40, 11.5], [0, 0, 1]])
    assert clip.info.intrinsics_source == "data"
    assert clip.info.note == ("" if "params" in name else scene.NO_RATE)


@pytest.mark.parametrize("content", [{"lens": 35, "sensor": "big"}, {"0": {"cam_R": [1]}, "1": {}}, {}])
def test_a_camera_file_without_a_camera_names_its_keys(content: dict[str, Any], tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", camera=content)
    with pytest.raises(SourceError) as caught:
        scene.collected(tmp_path / "in")
    assert ", ".join(sorted(content)) in str(caught.value) or not content


def test_keys_that_nobody_understood_and_distortion_are_told(tmp_path: Path) -> None:
    more = {"baseline_mm": 50, "depth": {"gain": 3}, "model": "D435", "distortion": [0.1, 0, 0, 0, 0]}
    scene.recording(tmp_path / "in/a", camera={**scene.CAMERA, **more})
    note = scene.collected(tmp_path / "in").info.note
    assert "keys of camera.json that were not used: baseline_mm, depth.gain" in note
    assert "the lens distortion in camera.json was not removed" in note


def test_files_and_folders_that_were_not_read_are_told(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a")
    for name in ("imu.csv", "transforms.json", "README.md", "lang.txt", ".hidden"):
        (tmp_path / "in/a" / name).write_text("x")
    for number in ALL:
        scene.save(tmp_path / f"in/a/masks/{number}.png", scene.picture(number)[..., 0])
    assert scene.collected(tmp_path / "in").info.note == "not used: imu.csv, masks/, transforms.json"


def test_a_depth_folder_beside_frames_that_lie_openly_is_used(tmp_path: Path) -> None:
    for number in ALL:
        scene.save(tmp_path / f"in/a/{number}.png", scene.picture(number))
        scene.save(tmp_path / f"in/a/aligned_depth/{number}.png", scene.units(number))
    assert scene.numbers_in_depth(scene.collected(tmp_path / "in")) == ALL


def films(folder: Path, colour: str, depth: str, *, deep: bool = True, n_depth: int = 8) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_video(folder / colour, [scene.picture(n) for n in ALL], 10.0)
    if deep:
        write_depth_video(folder / depth, [scene.units(n) for n in range(n_depth)], 10.0)
    else:
        write_video(folder / depth, [scene.picture(n) for n in ALL], 10.0)


@pytest.mark.parametrize(
    ("colour", "depth"),
    [("take_color.mp4", "take_depth.mkv"), ("take.mp4", "take.depth.mkv"), ("rgb.mp4", "depth.mkv")],
)
def test_a_depth_video_beside_a_video_is_its_depth(colour: str, depth: str, tmp_path: Path) -> None:
    films(tmp_path / "in", colour, depth)
    clip = scene.collected(tmp_path / "in")
    assert scene.numbers_in_depth(clip) == ALL
    assert scene.depths_m(clip) == (1.0, 1.5)


@pytest.mark.parametrize("name", ["take_depth.mp4", "take_mask.mp4"])
def test_a_video_about_another_one_is_no_clip_and_told(name: str, tmp_path: Path) -> None:
    films(tmp_path / "in", "take.mp4", name, deep=False)
    clip = scene.collected(tmp_path / "in")
    assert not clip.info.has_depth
    assert clip.info.note == f"not used: {name}"


def test_a_depth_video_alone_says_what_it_is(tmp_path: Path) -> None:
    films(tmp_path / "in", "other.mp4", "take_d.mkv")
    with pytest.raises(SourceError, match=r"take_d\.mkv is a depth video \(gray16le\)"):
        scene.collected(tmp_path / "in", "take_d")


def test_a_camera_beside_the_only_video_is_read_and_data_of_other_names_are_told(tmp_path: Path) -> None:
    films(tmp_path / "in", "take.mp4", "take_depth.mkv")
    (item,) = find_items(tmp_path / "in")
    before = fingerprint(item)
    (tmp_path / "in/camera.json").write_text(json.dumps({**scene.CAMERA, "depth_scale": 500}))
    (tmp_path / "in/take_poses.txt").write_text("1 0 0 0\n")
    assert fingerprint(item) != before
    clip = scene.collected(tmp_path / "in")
    assert clip.info.intrinsics_source == "data"
    assert scene.depths_m(clip) == (2.0, 3.0)
    assert clip.info.note == "not used: take_poses.txt"


def test_pictures_of_an_unknown_ending_are_one_row(tmp_path: Path) -> None:
    (tmp_path / "in/shots").mkdir(parents=True)
    for number in ALL:
        (tmp_path / f"in/shots/{number}.heic").write_bytes(b"heic")
    (item,) = find_items(tmp_path / "in")
    assert "its ending is '.heic', as that of 7 more files beside it" in str(item.fault)


@pytest.mark.parametrize("ending", [".bmp", ".webp", ".tif"])
def test_pictures_that_prediction_takes_are_frames_too(ending: str, tmp_path: Path) -> None:
    for number in ALL:
        scene.save(tmp_path / f"in/a/{number}{ending}", scene.picture(number))
    assert scene.numbers_shown(scene.collected(tmp_path / "in")) == ALL


def test_the_source_may_be_the_recording_itself(tmp_path: Path) -> None:
    scene.recording(tmp_path / "scene")
    clip = scene.collected(tmp_path / "scene")
    assert (clip.info.clip_id, clip.info.has_depth, clip.info.intrinsics_source) == ("scene", True, "data")


def test_folders_about_a_video_are_no_clips_and_told(tmp_path: Path) -> None:
    films(tmp_path / "in", "rgb.mp4", "depth.mkv")
    for number in ALL:
        scene.save(tmp_path / f"in/confidence/{number}.png", np.full((6, 8), 2, np.uint8))
    (tmp_path / "in/rgb.yaml").write_text("a: 1\n")
    assert scene.collected(tmp_path / "in", "rgb").info.note == "not used: confidence/, rgb.yaml"


def test_times_in_a_list_of_their_own_tell_the_rate(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a")
    (tmp_path / "in/a/timestamps.txt").write_text("".join(f"{1311868164000 + 50 * n}\n" for n in ALL))
    clip = scene.collected(tmp_path / "in")
    assert (clip.info.fps_hz, clip.info.note) == (20.0, "")
    (tmp_path / "in/a/timestamps.txt").write_text("0.0\n0.1\n")  # of something else
    assert "not used: timestamps.txt" in scene.collected(tmp_path / "in").info.note


def test_a_scale_in_a_file_of_its_own_is_read(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", per_m=4000)
    (tmp_path / "in/a/depth_scale.txt").write_text("0.00025\n")
    clip = scene.collected(tmp_path / "in")
    assert (scene.depths_m(clip), clip.info.note) == ((1.0, 1.5), "")


def test_missing_numbers_are_counted(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", [0, 2, 4, 6, 12, 14], [])
    for number in (0, 2, 4, 6, 12, 14):
        scene.save(tmp_path / f"in/a/depth/{number}.png", scene.units(number))
    assert scene.collected(tmp_path / "in").info.note == "2 numbers are missing between the frames"


def test_a_depth_video_of_other_moments_is_left_out_and_told(tmp_path: Path) -> None:
    films(tmp_path / "in", "take.mp4", "take_depth.mkv", n_depth=6)
    clip = scene.collected(tmp_path / "in")
    assert not clip.info.has_depth
    assert clip.info.note == "take_depth.mkv was not used: it holds 6 images for 8 frames"


def test_data_beside_the_folder_of_frames_are_told(tmp_path: Path) -> None:
    for number in ALL:  # as KITTI has it
        scene.save(tmp_path / f"in/00/image_2/{number:06d}.png", scene.picture(number))
        scene.save(tmp_path / f"in/00/image_3/{number:06d}.png", scene.picture(number))
    for name in ("calib.txt", "times.txt", "image_2.txt"):
        (tmp_path / "in/00" / name).write_text("slide\n")
    clip = scene.collected(tmp_path / "in", "00__image_2")
    assert clip.info.note == f"not used: ../calib.txt, ../times.txt; {scene.NO_RATE}"
    assert clip.info.instruction == "slide"


def test_a_camera_as_an_array_is_used_and_not_told(tmp_path: Path) -> None:
    for number in ALL:
        scene.save(tmp_path / f"in/a/{number}.png", scene.picture(number))
    scene.save(tmp_path / "in/a/K.npy", np.array([[40, 0, 23.5], [0, 40, 11.5], [0, 0, 1.0]]))
    clip = scene.collected(tmp_path / "in")
    assert (clip.info.intrinsics_source, clip.info.note) == ("data", scene.NO_RATE)


def test_dotted_keys_are_objects(tmp_path: Path) -> None:
    scene.recording(tmp_path / "in/a", per_m=5000)
    (tmp_path / "in/a/camera.json").unlink()
    keys = {"fx": 40.0, "fy": 40.0, "cx": 23.5, "cy": 11.5, "fps": 30}
    text = "%YAML:1.0\n" + "".join(f"Camera.{key}: {value}\n" for key, value in keys.items())
    (tmp_path / "in/a/camera.yaml").write_text(text + "DepthMapFactor: 5000.0\n")  # as ORB-SLAM has it
    clip = scene.collected(tmp_path / "in")
    assert (clip.info.intrinsics_source, clip.info.fps_hz, clip.info.note) == ("data", 30.0, "")
    assert scene.depths_m(clip) == (1.0, 1.5)
