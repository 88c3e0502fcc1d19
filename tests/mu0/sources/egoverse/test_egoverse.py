"""EgoVerse: frames come back at their true times, missing ones cut the episode and never shift it."""

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from mu0.errors import SourceError
from mu0.params.raw_videos import EgoVerseSource
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.egoverse.reader import EgoVerseReader
from mu0.sources.item import SourceItem
from tests.mu0.sources.dataset_layouts import (
    INTRINSICS,
    N_FRAMES,
    drop_frames,
    expected_corner,
    square_corner,
    unshard,
    world_from_camera,
    write_egoverse,
)

TWICE_AS_LARGE = np.array([[120.0, 0, 63.5], [0, 120.0, 47.5], [0, 0, 1]])  # pixel centres are integers
NAME = "2026-01-12-03-47-29-664000"


def items(folder: Path, **params: Any) -> list[SourceItem]:
    return list(
        EgoVerseReader("egoverse", EgoVerseSource(kind="egoverse", folder=str(folder), **params)).items()
    )


def written(item: SourceItem, folder: Path) -> Clip:
    assert item.fault is None
    item.write(folder / item.clip_id)
    return read_clip(folder / item.clip_id)


def fault_of(folder: Path) -> str:
    (item,) = items(folder)
    assert item.fault is not None
    return item.fault.found


def test_an_episode_becomes_a_clip(tmp_path: Path) -> None:
    write_egoverse(tmp_path / "egoverse")
    (item,) = items(tmp_path / "egoverse")
    clip = written(item, tmp_path / "clips")
    info = clip.info
    assert (info.clip_id, info.n_frames, info.fps_hz) == (NAME, N_FRAMES, 30.0)  # 100 entries, 12 frames
    assert (info.instruction, info.embodiment) == ("folding a shirt", "human_hand")
    assert (info.intrinsics_source, info.note) == ("data", "actions: 0-6 grasp the shirt")
    assert [square_corner(frame) for frame in clip.iter_frames()] == [
        expected_corner(i) for i in range(N_FRAMES)
    ]
    times = clip.times()
    assert times is not None
    np.testing.assert_array_equal(times.source_frame, np.arange(N_FRAMES))
    np.testing.assert_allclose(times.time_s, 0.033333333 * np.arange(N_FRAMES))


def test_the_camera_is_the_heads_inverse(tmp_path: Path) -> None:
    write_egoverse(tmp_path / "egoverse")
    clip = written(items(tmp_path / "egoverse")[0], tmp_path / "clips")
    np.testing.assert_allclose(clip.intrinsics(), INTRINSICS)
    camera_from_world = clip.camera_from_world()
    assert camera_from_world is not None
    np.testing.assert_allclose(
        camera_from_world @ world_from_camera(), np.tile(np.eye(4), (N_FRAMES, 1, 1)), atol=1e-9
    )


def test_missing_frames_cut_the_episode_and_keep_their_time(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse", n=40)
    drop_frames(episode, [11, 24, 39])
    first, second, third = items(tmp_path / "egoverse")
    assert [item.clip_id for item in (first, second, third)] == [f"{NAME}_f{n:06d}" for n in (0, 12, 25)]
    clip = written(second, tmp_path / "clips")
    assert [square_corner(frame) for frame in clip.iter_frames()] == [
        expected_corner(i) for i in range(12, 24)
    ]
    assert clip.info.note.startswith("frames 12 to 23 of 40: 3 frames are missing (11, 24, 39); actions: ")
    times, camera_from_world = clip.times(), clip.camera_from_world()
    assert times is not None
    assert camera_from_world is not None
    np.testing.assert_array_equal(times.source_frame, np.arange(12, 24))
    np.testing.assert_allclose(times.time_s, 0.033333333 * np.arange(12, 24))
    np.testing.assert_allclose(
        camera_from_world @ world_from_camera(40)[12:24], np.tile(np.eye(4), (12, 1, 1)), atol=1e-9
    )


def test_short_pieces_are_left_out_and_told(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse", n=16)
    drop_frames(episode, [5])
    (item,) = items(tmp_path / "egoverse")
    note = written(item, tmp_path / "clips").info.note
    assert note.startswith(
        "frames 6 to 15 of 16: 1 frames are missing (5); 1 pieces under 10 frames were left out"
    )


def test_too_many_missing_frames_are_a_fault(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse", n=40)
    drop_frames(episode, list(range(9)))
    assert fault_of(tmp_path / "egoverse") == f"{episode} lacks 9 of 40 frames."


def test_only_short_pieces_are_a_fault(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    drop_frames(episode, [6])
    assert fault_of(tmp_path / "egoverse") == f"{episode} lacks 1 of 12 frames; no 10 are consecutive."


def test_a_missing_shard_lacks_all_frames(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    (episode / "images.front_1/c/0").unlink()
    assert fault_of(tmp_path / "egoverse") == f"{episode} lacks 12 of 12 frames."


def test_an_array_without_shards_is_read_too(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse", n=24)
    unshard(episode, 24)
    (episode / "images.front_1/c/12").unlink()
    assert [item.clip_id for item in items(tmp_path / "egoverse")] == [f"{NAME}_f{n:06d}" for n in (0, 13)]


def test_a_damaged_index_is_told(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    shard = episode / "images.front_1/c/0"
    content = bytearray(shard.read_bytes())
    content[-20] ^= 1
    shard.write_bytes(content)
    assert fault_of(tmp_path / "egoverse") == f"{shard}: its index does not match its CRC-32C."
    shard.write_bytes(content[:100])
    assert fault_of(tmp_path / "egoverse") == f"{shard} is cut off: it has 100 bytes, its index alone 1604."


def test_a_damaged_jpeg_is_named(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    shard = episode / "images.front_1/c/0"
    content = bytearray(shard.read_bytes())
    (offset, length) = struct.unpack("<QQ", content[-1604 + 16 * 3 : -1604 + 16 * 4])
    content[offset : offset + length] = bytes(length)
    shard.write_bytes(content)
    (item,) = items(tmp_path / "egoverse")
    with pytest.raises(SourceError, match=rf"^{episode}/images\.front_1 cannot be read: "):
        item.write(tmp_path / "clip")
    assert not (tmp_path / "clip").exists()


def test_a_zarr_2_array_which_could_hold_pickles_is_refused(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    shutil.rmtree(episode / "annotations")
    array = zarr.create_array(str(episode / "annotations"), shape=(1,), dtype="i4", zarr_format=2)
    array[:] = 1
    (item,) = items(tmp_path / "egoverse")
    with pytest.raises(SourceError, match=rf"^{episode}/annotations cannot be read: "):
        item.write(tmp_path / "clip")


def test_lost_tracking_leaves_the_poses_out(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    zarr.open_array(str(episode / "obs_head_pose"), mode="r+")[4] = 1e9
    info = written(items(tmp_path / "egoverse")[0], tmp_path / "clips").info
    assert (info.has_intrinsics, info.has_poses) == (True, False)
    assert info.note.startswith("camera poses were left out: tracking was lost in 1 of 12 frames; ")


@pytest.mark.parametrize(
    ("camera", "focal_px", "words"),
    [
        ({"K": INTRINSICS.tolist(), "resolution": [64, 48]}, 60.0, ""),
        ({"K": TWICE_AS_LARGE.tolist(), "resolution": [128, 96]}, 60.0, ""),
        ({"K": INTRINSICS.tolist(), "resolution": [64, 64]}, None, "they belong to frames of 64 x 64 px"),
        ({"K": INTRINSICS.tolist(), "rectified": False}, None, "the frames are not rectified"),
        ({"K": INTRINSICS.tolist(), "model": "OPENCV", "distortion": [0.1] * 4}, None, "not rectified"),
        ({"resolution": [64, 48]}, None, ""),
    ],
)
def test_the_calibration_block_goes_first(
    tmp_path: Path, camera: dict[str, Any], focal_px: float | None, words: str
) -> None:
    write_egoverse(tmp_path / "egoverse", calibration={"cameras": {"front_1": camera}})
    (item,) = items(tmp_path / "egoverse")
    clip = written(item, tmp_path / "clips")
    intrinsics = clip.intrinsics()
    assert (None if intrinsics is None else intrinsics[0, 0]) == focal_px
    assert words in clip.info.note


def test_another_camera_is_named_when_absent(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    (item,) = items(tmp_path / "egoverse", camera="left_wrist")
    assert item.fault is not None
    assert item.fault.found == f"{episode}/images.left_wrist/zarr.json is missing."


def test_a_camera_cannot_lie_outside(tmp_path: Path) -> None:
    write_egoverse(tmp_path / "egoverse")
    (item,) = items(tmp_path / "egoverse", camera="x/../../../secret")
    assert item.fault is not None
    assert "points outside" in item.fault.found


@pytest.mark.parametrize("name", ["annotations", "obs_head_pose"])
def test_a_chunk_that_is_a_link_outside_is_refused(tmp_path: Path, name: str) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    (chunk,) = (path for path in (episode / name / "c").rglob("0*") if path.is_file())
    chunk.rename(tmp_path / "elsewhere")
    chunk.symlink_to(tmp_path / "elsewhere")
    (item,) = items(tmp_path / "egoverse")
    with pytest.raises(SourceError, match=rf"points outside {episode}/{name}"):
        item.write(tmp_path / "clip")


def test_an_episode_that_is_a_link_outside_is_told(tmp_path: Path) -> None:
    write_egoverse(tmp_path / "elsewhere")
    (tmp_path / "egoverse").mkdir()
    (tmp_path / f"egoverse/{NAME}.zarr").symlink_to(tmp_path / f"elsewhere/{NAME}.zarr")
    assert (
        fault_of(tmp_path / "egoverse") == f"The name '{NAME}.zarr' points outside {tmp_path / 'egoverse'}."
    )


@pytest.mark.parametrize(
    "text", ["{", '{"attributes": {"fps": 30}}', '{"attributes": {"total_frames": 0}}', "[]"]
)
def test_damaged_attributes_are_a_row(tmp_path: Path, text: str) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    (episode / "zarr.json").write_text(text)
    assert fault_of(tmp_path / "egoverse").startswith(
        f"{episode}/zarr.json does not describe an EgoVerse episode: "
    )


def test_fewer_entries_than_frames_are_a_row(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse")
    path = episode / "zarr.json"
    content = json.loads(path.read_text())
    content["attributes"]["total_frames"] = 101
    path.write_text(json.dumps(content))
    assert fault_of(tmp_path / "egoverse") == f"{episode}/images.front_1 has 100 entries for 101 frames."


def test_frames_are_picked_by_time_within_a_piece(tmp_path: Path) -> None:
    episode = write_egoverse(tmp_path / "egoverse", n=32)
    drop_frames(episode, [10])
    _, second = items(tmp_path / "egoverse", resample_hz=10.0)
    clip = written(second, tmp_path / "clips")
    times = clip.times()
    assert times is not None
    np.testing.assert_array_equal(times.source_frame, np.arange(11, 32, 3))
    assert [square_corner(frame) for frame in clip.iter_frames()] == [
        expected_corner(i) for i in range(11, 32, 3)
    ]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "egoverse").mkdir()
    with pytest.raises(SourceError, match=r"holds no EgoVerse episodes \(found 0\)"):
        items(tmp_path / "egoverse")
