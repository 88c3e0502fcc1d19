"""EgoDex: a video and its poses become a clip whose camera is exact; half pairs and damage are told."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from dataset_layouts import (
    INTRINSICS,
    N_FRAMES,
    expected_corner,
    square_corner,
    world_from_camera,
    write_egodex,
)

from mu0.errors import SourceError
from mu0.params.raw_videos import EgoDexSource
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.egodex import EgoDexReader, instruction
from mu0.sources.item import SourceItem


def items(folder: Path, **params: Any) -> list[SourceItem]:
    return list(EgoDexReader("egodex", EgoDexSource(kind="egodex", folder=str(folder), **params)).items())


def written(folder: Path, **params: Any) -> Clip:
    (item,) = items(folder, **params)
    goal = folder.parent / "clips" / item.clip_id
    item.write(goal)
    return read_clip(goal)


def fault_of(folder: Path) -> str:
    (item,) = items(folder)
    with pytest.raises(SourceError) as caught:
        item.write(folder.parent / "clip")
    assert not (folder.parent / "clip").exists()
    return caught.value.found


def test_an_episode_becomes_a_clip_with_its_camera(tmp_path: Path) -> None:
    clip = written(write_egodex(tmp_path / "egodex"))
    assert clip.info.clip_id == "part1__add_remove_lid__0"
    assert (clip.info.embodiment, clip.info.intrinsics_source) == ("human_hand", "data")
    assert [square_corner(frame) for frame in clip.iter_frames()] == [
        expected_corner(i) for i in range(N_FRAMES)
    ]
    np.testing.assert_allclose(clip.intrinsics(), INTRINSICS)
    camera_from_world = clip.camera_from_world()
    assert camera_from_world is not None
    identity = np.tile(np.eye(4), (N_FRAMES, 1, 1))
    np.testing.assert_allclose(camera_from_world @ world_from_camera(), identity, atol=1e-6)


def test_a_point_before_the_camera_is_seen_where_apples_script_puts_it(tmp_path: Path) -> None:
    clip = written(write_egodex(tmp_path / "egodex"))
    camera_from_world, intrinsics = clip.camera_from_world(), clip.intrinsics()
    assert camera_from_world is not None
    assert intrinsics is not None
    point_world = np.array([0.1, 0.05, 1.0, 1.0])
    for number, pose in enumerate(world_from_camera()):
        seen = intrinsics @ (camera_from_world[number] @ point_world)[:3]
        expected = INTRINSICS @ (np.linalg.inv(pose) @ point_world)[:3]
        np.testing.assert_allclose(seen / seen[2], expected / expected[2], atol=1e-4)


def test_what_is_known_is_told(tmp_path: Path) -> None:
    info = written(write_egodex(tmp_path / "egodex")).info
    assert info.instruction == "Take the lid off."
    assert info.scene_id == "egodex/session 7"
    assert info.licence == "CC BY-NC-ND 4.0"
    assert info.note == "poses of hands and body were left out"


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"llm_description": "a", "llm_description2": "b", "which_llm_description": "1"}, "a"),
        ({"llm_description": "a", "llm_description2": "b", "which_llm_description": "2"}, "b"),
        ({"llm_description": "a", "which_llm_description": "2"}, "a"),
        ({}, ""),
    ],
)
def test_the_sentence_that_is_meant_is_taken(attributes: dict[str, str], sentence: str) -> None:
    assert instruction(attributes) == sentence


def test_without_a_sentence_the_task_is_named_and_told(tmp_path: Path) -> None:
    folder = write_egodex(tmp_path / "egodex")
    with h5py.File(folder / "part1/add_remove_lid/0.hdf5", "a") as file:
        for name in ("llm_description", "llm_description2"):
            del file.attrs[name]
    info = written(folder).info
    assert info.instruction == "add remove lid"
    assert info.note == "poses of hands and body were left out; the instruction is the task's name"


def test_episodes_come_in_order_and_parts_may_be_absent(tmp_path: Path) -> None:
    for task, number in (("part1/a", "10"), ("part1/a", "2"), ("b", "0")):
        write_egodex(tmp_path / "egodex", task, number)
    assert [item.clip_id for item in items(tmp_path / "egodex")] == ["b__0", "part1__a__2", "part1__a__10"]


def test_frames_and_poses_are_picked_together(tmp_path: Path) -> None:
    clip = written(write_egodex(tmp_path / "egodex"), resample_hz=10.0)
    assert (clip.info.n_frames, clip.info.fps_hz, clip.info.video) == (4, 10.0, "video.mp4")
    camera_from_world = clip.camera_from_world()
    assert camera_from_world is not None
    identity = np.tile(np.eye(4), (4, 1, 1))
    np.testing.assert_allclose(camera_from_world @ world_from_camera()[::3], identity, atol=1e-6)
    assert [square_corner(frame) for frame in clip.iter_frames()] == [
        expected_corner(i) for i in (0, 3, 6, 9)
    ]


@pytest.mark.parametrize(("lost", "kept"), [(".hdf5", ".mp4"), (".mp4", ".hdf5")])
def test_half_a_pair_is_told(tmp_path: Path, lost: str, kept: str) -> None:
    folder = write_egodex(tmp_path / "egodex")
    path = folder / f"part1/add_remove_lid/0{lost}"
    path.unlink()
    (item,) = items(folder)
    assert item.fault is not None
    assert item.fault.found == f"{path} is missing beside 0{kept}."
    assert ("kind `files`" in item.fault.remedy) == (kept == ".mp4")


def test_a_wrong_number_of_poses_is_named(tmp_path: Path) -> None:
    folder = write_egodex(tmp_path / "egodex", n_poses=11)
    path = folder / "part1/add_remove_lid/0.hdf5"
    assert fault_of(folder) == f"{path} holds 11 camera poses for 12 frames of 0.mp4."


@pytest.mark.parametrize("key", ["camera/intrinsic", "transforms/camera"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    folder = write_egodex(tmp_path / "egodex")
    path = folder / "part1/add_remove_lid/0.hdf5"
    with h5py.File(path, "a") as file:
        del file[key]
    assert fault_of(folder) == f"{path} has no array {key}."


def test_a_wrong_shape_and_nan_are_named(tmp_path: Path) -> None:
    folder = write_egodex(tmp_path / "egodex")
    path = folder / "part1/add_remove_lid/0.hdf5"
    with h5py.File(path, "a") as file:
        file["transforms/camera"][3, 0, 0] = np.nan
    assert fault_of(folder) == f"{path}: transforms/camera has shape (12, 4, 4) and holds NaN or infinity."
    with h5py.File(path, "a") as file:
        del file["transforms/camera"]
        file["transforms/camera"] = np.zeros((12, 3, 4))
    assert fault_of(folder) == f"{path}: transforms/camera has shape (12, 3, 4)."


def test_poses_that_are_no_rigid_motion_are_refused(tmp_path: Path) -> None:
    folder = write_egodex(tmp_path / "egodex")
    with h5py.File(folder / "part1/add_remove_lid/0.hdf5", "a") as file:
        file["transforms/camera"][2, :3, :3] *= 2
    assert "camera_from_world[2] is no rigid motion" in fault_of(folder)


def test_a_cut_off_hdf5_is_named(tmp_path: Path) -> None:
    folder = write_egodex(tmp_path / "egodex")
    path = folder / "part1/add_remove_lid/0.hdf5"
    path.write_bytes(path.read_bytes()[:1000])
    assert fault_of(folder).startswith(f"{path} cannot be read: ")


def test_intrinsics_of_another_picture_size_are_left_out(tmp_path: Path) -> None:
    folder = write_egodex(tmp_path / "egodex")
    with h5py.File(folder / "part1/add_remove_lid/0.hdf5", "a") as file:
        file["camera/intrinsic"][:2] *= 2
    info = written(folder).info
    assert (info.has_intrinsics, info.has_poses, info.intrinsics_source) == (False, False, "none")
    assert info.note == (
        "poses of hands and body were left out; intrinsics were left out: their centre (63, 47) px does not "
        "belong to frames of 64 x 48 px (width x height); camera poses were left out: they are of no use "
        "without intrinsics"
    )


def test_a_task_that_is_a_link_outside_is_told(tmp_path: Path) -> None:
    write_egodex(tmp_path / "elsewhere", "task", "0")
    (tmp_path / "egodex/part1").mkdir(parents=True)
    (tmp_path / "egodex/part1/task").symlink_to(tmp_path / "elsewhere/task")
    (item,) = items(tmp_path / "egodex")
    assert item.fault is not None
    assert item.fault.found == f"The name 'part1/task/0.mp4' points outside {tmp_path / 'egodex'}."


@pytest.mark.parametrize("trick", ["link", "group link", "raw bytes", "virtual"])
def test_an_array_cannot_lie_in_another_file(tmp_path: Path, trick: str) -> None:
    folder = write_egodex(tmp_path / "egodex")
    secret = tmp_path / "secret.hdf5"
    with h5py.File(secret, "w") as file:
        file["camera/intrinsic"] = INTRINSICS
    path = folder / "part1/add_remove_lid/0.hdf5"
    with h5py.File(path, "a") as file:
        del file["camera"]
        if trick == "link":
            file["camera/intrinsic"] = h5py.ExternalLink(str(secret), "camera/intrinsic")
        elif trick == "group link":
            file["camera"] = h5py.ExternalLink(str(secret), "camera")
        elif trick == "raw bytes":
            file.create_dataset("camera/intrinsic", (3, 3), "f8", external=[(str(secret), 0, 72)])
        else:
            layout = h5py.VirtualLayout((3, 3), "f8")
            layout[:] = h5py.VirtualSource(str(secret), "camera/intrinsic", (3, 3))
            file.create_virtual_dataset("camera/intrinsic", layout)
    assert fault_of(folder) == f"{path}: camera/intrinsic is a link, or its numbers lie in another file."


def test_an_empty_folder_and_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "egodex").mkdir()
    with pytest.raises(SourceError, match=r"holds no EgoDex episodes \(found 0\)"):
        items(tmp_path / "egodex")
    with pytest.raises(SourceError, match="absent does not exist"):
        items(tmp_path / "absent")
