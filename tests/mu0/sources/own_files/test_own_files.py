"""A person's own files: every shape is recognised, damaged items say why, the others go on."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.containers.encoding import write_video
from mu0.sources.own_files.reader import find_items, read_instruction, write_item

H, W = 24, 32
CAMERA = {"fx": 30.0, "fy": 30.0, "cx": 15.5, "cy": 11.5}
SHARED = Path(__file__).parents[5] / "shared/data"


def frame(number: int) -> np.ndarray:
    return np.full((H, W, 3), 20 * number, np.uint8)


def depth_mm(number: int) -> np.ndarray:
    return (np.arange(H * W, dtype=np.uint16).reshape(H, W) + 1000 * number).astype(np.uint16)


def rgbd_folder(folder: Path, n: int = 3, colour: str = "color", depth: str = "depth_raw") -> Path:
    for name in (colour, depth):
        (folder / name).mkdir(parents=True)
    for number in range(n):
        cv2.imwrite(str(folder / colour / f"im_{8 + number}.png"), frame(number))
        cv2.imwrite(str(folder / depth / f"im_{8 + number}.png"), depth_mm(number))
    (folder / "camera.json").write_text(json.dumps(CAMERA))
    return folder


def only(folder: Path) -> Clip:
    (item,) = find_items(folder)
    goal = folder.parent / "out" / item.clip_id
    write_item(item, goal, "my_videos", 10.0)
    return read_clip(goal)


def test_an_empty_folder_holds_no_clips(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("put videos here")
    assert find_items(tmp_path) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent does not exist[\s\S]*params\.yaml"):
        find_items(tmp_path / "absent")


def test_a_video_is_kept_as_it_is_with_its_instruction(tmp_path: Path) -> None:
    root = tmp_path / "videos"
    root.mkdir()
    write_video(root / "My cup!.mp4", [frame(i) for i in range(5)], 12.5)
    (root / "My cup!.txt").write_text("\nlift the cup\n")
    clip = only(root)
    assert (clip.info.clip_id, clip.info.instruction, clip.info.fps_hz) == ("My_cup", "lift the cup", 12.5)
    assert (clip.folder / "video.mp4").read_bytes() == (root / "My cup!.mp4").read_bytes()
    assert len(clip.frames()) == clip.info.n_frames == 5


def test_an_rgbd_folder_is_read_in_natural_order_without_loss(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "videos/scene")
    (folder / "lang.txt").write_text("open the drawer\nconfidence: 0.2\n")
    np.savetxt(folder / "poses.txt", poses_along_x(3))
    clip = only(tmp_path / "videos")
    np.testing.assert_array_equal(clip.frames(), np.stack([frame(i) for i in range(3)]))
    depth_m = clip.depth_m()
    assert depth_m is not None
    np.testing.assert_array_equal(np.rint(depth_m * 1000), np.stack([depth_mm(i) for i in range(3)]))
    assert clip.info.instruction == "open the drawer"
    camera_from_world = clip.camera_from_world()
    assert camera_from_world is not None
    np.testing.assert_allclose(camera_from_world[:, 0, 3], [0, -1, -2])


def poses_along_x(n: int) -> np.ndarray:
    """`world_from_camera` of a camera that moves one metre per frame, one matrix per line."""
    poses = np.tile(np.eye(4), (n, 1, 1))
    poses[:, 0, 3] = np.arange(n)
    return poses.reshape(n, 16)


def test_a_folder_of_frames_needs_no_camera(tmp_path: Path) -> None:
    folder = tmp_path / "videos/frames"
    folder.mkdir(parents=True)
    for number in (0, 1, 10, 2):
        cv2.imwrite(str(folder / f"{number}.png"), frame(number))
    clip = only(tmp_path / "videos")
    assert clip.frames()[:, 0, 0, 0].tolist() == [0, 20, 40, 200]
    assert not clip.info.has_depth
    assert clip.info.fps_hz == 10.0


def tum_folder(folder: Path, depth_name: str = "depth/{}.png") -> Path:
    rgbd_folder(folder, colour="rgb", depth="depth")
    times = [0.0, 0.1, 0.2]
    (folder / "rgb.txt").write_text(
        "# time file\n" + "".join(f"{t} rgb/im_{8 + i}.png\n" for i, t in enumerate(times))
    )
    lines = [f"{t + 0.005} {depth_name.format(f'im_{8 + i}')}\n" for i, t in enumerate(times)]
    (folder / "depth.txt").write_text("".join(lines))
    (folder / "groundtruth.txt").write_text(
        "".join(f"{t + 0.001} {i} 0 0 0 0 0 1\n" for i, t in enumerate(times))
    )
    return folder


def test_a_tum_folder_has_five_thousand_units_per_metre(tmp_path: Path) -> None:
    tum_folder(tmp_path / "videos/tum")
    clip = only(tmp_path / "videos")
    depth_m, poses = clip.depth_m(), clip.camera_from_world()
    assert depth_m is not None
    assert poses is not None
    np.testing.assert_allclose(depth_m[2], depth_mm(2) / 5000, atol=0.00051)
    np.testing.assert_allclose(poses[:, 0, 3], [0, -1, -2])
    assert clip.info.fps_hz == 10.0


def test_a_list_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    tum_folder(tmp_path / "videos/tum", depth_name="../../../etc/{}.png")
    (item,) = find_items(tmp_path / "videos")
    with pytest.raises(
        SourceError, match=r"depth\.txt, line 1: The name '\.\./\.\./\.\./etc/im_8\.png' points outside"
    ):
        write_item(item, tmp_path / "out", "my_videos", 10.0)


def test_depth_of_another_camera_is_registered(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "videos/scene")
    for path in (folder / "depth_raw").iterdir():
        cv2.imwrite(str(path), np.full((H, W), 1000, np.uint16))
    half = {"fx": 15.0, "fy": 15.0, "cx": 15.5, "cy": 11.5}
    cameras = {"color": CAMERA, "depth": half, "depth_to_color_translation_m": [0.0, 0.0, 0.2]}
    (folder / "camera.json").write_text(json.dumps(cameras))
    depth_m = only(tmp_path / "videos").depth_m()
    assert depth_m is not None
    np.testing.assert_allclose(depth_m, 1.2, atol=1e-4)  # a wall stays a wall, 0.2 m farther, without holes


def test_depth_that_cannot_be_registered_is_left_out_and_told(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "videos/scene")
    cameras = {"color": CAMERA, "depth": {**CAMERA, "fx": 15.0, "fy": 15.0}}
    (folder / "camera.json").write_text(json.dumps(cameras))
    clip = only(tmp_path / "videos")
    assert not clip.info.has_depth
    assert clip.info.note.startswith("depth was left out: its camera is not the colour camera")


def fault_of(folder: Path) -> str:
    (item,) = find_items(folder)
    with pytest.raises(SourceError) as caught:
        write_item(item, folder.parent / "out", "my_videos", 10.0)
    assert not (folder.parent / "out").exists()
    return str(caught.value)


def test_depth_of_another_size_is_named(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "videos/scene")
    cv2.imwrite(str(folder / "depth_raw/im_9.png"), depth_mm(1)[::2, ::2])
    assert "scene: depth image 1 has shape (12, 16)." in fault_of(tmp_path / "videos")


def test_nan_depth_is_named(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "videos/scene")
    for number, path in enumerate(sorted((folder / "depth_raw").iterdir())):
        path.unlink()
        np.save(path.with_suffix(".npy"), np.full((H, W), np.nan if number == 1 else 1.0))
    assert "holds 768 values that are NaN, infinite or negative" in fault_of(tmp_path / "videos")


def test_missing_depth_images_are_counted(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "videos/scene")
    (folder / "depth_raw/im_9.png").unlink()
    clip = only(tmp_path / "videos")
    assert clip.info.n_frames == 2
    assert clip.info.note.startswith("1 colour and 0 depth images without a partner were left out")


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "videos/scene")
    (folder / "color/im_9.png").write_bytes(b"\x89PNG")
    assert "color/im_9.png is not a readable image" in fault_of(tmp_path / "videos")


def test_a_damaged_camera_file_is_named(tmp_path: Path) -> None:
    folder = rgbd_folder(tmp_path / "videos/scene")
    (folder / "camera.json").write_text('{"fx": 30.0}')
    assert "camera.json does not describe a camera: KeyError('fy')" in fault_of(tmp_path / "videos")
    (folder / "camera.json").write_text('{"fx": 0, "fy": 30, "cx": 20, "cy": 15}')
    assert "camera.json does not describe a camera: ValueError('focal lengths are 0 and 30 px" in fault_of(
        tmp_path / "videos"
    )


def test_a_video_of_one_frame_is_refused(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    write_video(tmp_path / "videos/one.mp4", [frame(1)], 10.0)
    assert "one.mp4 holds one frame." in fault_of(tmp_path / "videos")


def test_an_empty_clip_folder_and_other_files_are_told(tmp_path: Path) -> None:
    (tmp_path / "videos/nothing").mkdir(parents=True)
    (tmp_path / "videos/talk.pdf").write_bytes(b"%PDF")
    faults = [str(item.fault) for item in find_items(tmp_path / "videos")]
    assert "nothing holds no images and no videos (found 0)" in faults[0]
    assert "talk.pdf is not a video: its ending is '.pdf'" in faults[1]


def test_nested_folders_and_equal_names_get_their_own_ids(tmp_path: Path) -> None:
    for name in ("day/a.mp4", "a b.mp4", "a_b.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [item.clip_id for item in find_items(tmp_path)] == ["a_b", "a_b_2", "day__a"]


def test_no_text_means_no_instruction(tmp_path: Path) -> None:
    assert read_instruction(tmp_path / "a.mp4").text == ""


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize(("name", "n_frames"), [("bridge_v2_drawer", 35), ("livingroom1_rgbd", 60)])
def test_real_rgbd_recordings_become_clips(tmp_path: Path, name: str, n_frames: int) -> None:
    if not (SHARED / name).exists():
        pytest.skip("../shared/data is absent")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / name).symlink_to(SHARED / name)
    clip = only(tmp_path / "videos")
    assert (clip.info.n_frames, clip.info.width_px, clip.info.has_depth) == (n_frames, 640, True)
    depth_m = next(clip.iter_depth_m())
    assert (depth_m > 0).mean() > 0.7
