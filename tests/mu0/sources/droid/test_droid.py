"""DROID: episodes become clips with their frames and words; what is missing or damaged is told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.params.raw_videos import DroidSource
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.droid.reader import DroidReader
from mu0.sources.item import SourceItem
from tests.mu0.sources.dataset_layouts import (
    N_FRAMES,
    bytes_feature,
    droid_episode,
    expected_corner,
    float_feature,
    framed,
    jpeg,
    square_corner,
    write_droid,
)


def items(folder: Path, **params: Any) -> list[SourceItem]:
    return list(DroidReader("droid", DroidSource(kind="droid", folder=str(folder), **params)).items())


def written(item: SourceItem, folder: Path) -> Clip:
    assert item.fault is None
    item.write(folder / item.clip_id)
    return read_clip(folder / item.clip_id)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_droid(tmp_path / "droid/1.0.1", [[droid_episode()], [droid_episode(), droid_episode()]])


def test_every_episode_becomes_a_clip(dataset: Path, tmp_path: Path) -> None:
    found = items(dataset.parent)
    assert [item.clip_id for item in found] == [
        "droid_shard00000_ep000",
        "droid_shard00001_ep000",
        "droid_shard00001_ep001",
    ]
    clip = written(found[1], tmp_path / "clips")
    assert (clip.info.n_frames, clip.info.fps_hz) == (N_FRAMES, 15.0)
    assert [square_corner(frame) for frame in clip.iter_frames()] == [
        expected_corner(i) for i in range(N_FRAMES)
    ]
    times = clip.times()
    assert times is not None
    np.testing.assert_array_equal(times.source_frame, np.arange(N_FRAMES))
    np.testing.assert_allclose(times.time_s, np.arange(N_FRAMES) / 15)


def test_the_jpegs_are_kept_byte_for_byte(dataset: Path, tmp_path: Path) -> None:
    clip = written(items(dataset)[0], tmp_path / "clips")
    content = (clip.folder / clip.info.video).read_bytes()
    assert all(jpeg(number) in content for number in range(N_FRAMES))


def test_two_writings_give_equal_bytes(dataset: Path, tmp_path: Path) -> None:
    clips = [written(items(dataset)[0], tmp_path / name) for name in ("one", "two")]
    assert clips[0].info.video_sha256 == clips[1].info.video_sha256


def test_what_is_known_and_what_is_not(dataset: Path, tmp_path: Path) -> None:
    info = written(items(dataset)[0], tmp_path / "clips").info
    assert info.instruction == "open the drawer"
    assert info.scene_id == "droid/AUTOLab_2023-11-11"
    assert info.licence == "CC BY 4.0"
    assert (info.has_depth, info.has_intrinsics, info.has_poses, info.has_robot) == (False,) * 4
    assert (info.intrinsics_source, info.hand_eye_source) == ("none", "none")
    assert info.note == (
        "the data hold no intrinsics, depth or camera poses; robot states were left out; "
        "other instructions: pull it"
    )


def test_equal_and_empty_instructions_are_told_once(tmp_path: Path) -> None:
    episodes = [droid_episode(texts=("push", "push", "")), droid_episode(texts=("", "", ""))]
    found = items(write_droid(tmp_path / "droid", [episodes]))
    said, silent = (written(item, tmp_path / "clips").info for item in found)
    assert (said.instruction, "other" in said.note) == ("push", False)
    assert (silent.instruction, silent.note.endswith("; no instruction")) == ("", True)


def test_a_failure_is_told(tmp_path: Path) -> None:
    path = bytes_feature([b"gs://x/BVL/failure/2024-02-02/Fri/trajectory.h5"])
    episode = droid_episode(**{"episode_metadata/file_path": path})
    (item,) = items(write_droid(tmp_path / "droid", [[episode]]))
    info = written(item, tmp_path / "clips").info
    assert info.scene_id == "droid/BVL_2024-02-02"
    assert info.note.endswith("; recorded as a failure")


def test_frames_are_picked_by_time(dataset: Path, tmp_path: Path) -> None:
    clip = written(items(dataset, resample_hz=5.0)[0], tmp_path / "clips")
    assert (clip.info.n_frames, clip.info.fps_hz) == (4, 5.0)
    assert [square_corner(frame) for frame in clip.iter_frames()] == [
        expected_corner(i) for i in (0, 3, 6, 9)
    ]


def test_a_calibration_is_used_and_named(dataset: Path, tmp_path: Path) -> None:
    clip = written(items(dataset, assumed_fov_deg=60.0)[0], tmp_path / "clips")
    assert clip.info.intrinsics_source == "assumed_fov"
    intrinsics = clip.intrinsics()
    assert intrinsics is not None
    np.testing.assert_allclose(intrinsics[0], [32 / np.tan(np.pi / 6), 0, 31.5])


def test_a_wrist_camera_moves_with_the_gripper(tmp_path: Path) -> None:
    states = np.zeros((N_FRAMES, 6), np.float32)
    states[:, 0] = 0.01 * np.arange(N_FRAMES)  # forward, then a quarter turn about the base's z
    states[6:, 5] = np.pi / 2
    episode = droid_episode(
        **{"steps/observation/cartesian_position": float_feature(states.ravel().tolist())}
    )
    folder = write_droid(tmp_path / "droid", [[episode]])
    hand_eye = np.eye(4)
    hand_eye[2, 3] = -0.1
    camera = {"fx": 60, "fy": 60, "cx": 31.5, "cy": 23.5, "hand_eye": hand_eye.tolist()}
    (tmp_path / "camera.json").write_text(json.dumps(camera))
    options = {"camera": "wrist_image_left", "calibration": str(tmp_path / "camera.json")}
    clip = written(items(folder, **options)[0], tmp_path / "clips")
    assert (clip.info.intrinsics_source, clip.info.hand_eye_source) == ("calibration", "calibration")
    poses = clip.camera_from_world()
    assert poses is not None
    gripper_ahead = np.array([0.11, 0.0, 0.0, 1.0])  # a point of the base, 5 cm before the gripper of frame 6
    np.testing.assert_allclose(poses[1] @ gripper_ahead, [0.10, 0, -0.1, 1], atol=1e-6)
    np.testing.assert_allclose(poses[6] @ gripper_ahead, [0, -0.05, -0.1, 1], atol=1e-6)


def test_an_absent_camera_is_named(dataset: Path, tmp_path: Path) -> None:
    (item, *_) = items(dataset, camera="exterior_image_2_left")
    with pytest.raises(SourceError) as caught:
        item.write(tmp_path / "clip")
    shard = dataset / "droid_101-train.tfrecord-00000-of-00002"
    assert caught.value.found == (
        f"{shard}: the episode at byte 0 has no feature steps/observation/exterior_image_2_left."
    )
    assert not (tmp_path / "clip").exists()


def test_an_unknown_camera_stops_the_source(dataset: Path) -> None:
    with pytest.raises(SourceError, match=r"`raw_videos\.sources\.droid\.camera` is 'top'"):
        items(dataset, camera="top")


def test_missing_shards_are_one_row(tmp_path: Path) -> None:
    folder = write_droid(tmp_path / "droid", [[droid_episode()], None, None, [droid_episode()]])
    first, missing, last = items(folder)
    assert (first.fault, last.fault, missing.clip_id) == (None, None, "droid_shard00001_to_00002")
    assert missing.fault is not None
    assert missing.fault.found == (
        "2 shards with 4 episodes are missing: droid_101-train.tfrecord-00001-of-00004 to "
        f"droid_101-train.tfrecord-00002-of-00004 in {folder}."
    )


def test_a_cut_off_shard_gives_the_episodes_before_the_cut(dataset: Path, tmp_path: Path) -> None:
    shard = dataset / "droid_101-train.tfrecord-00001-of-00002"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes()[:-5])
    _, good, lost = items(dataset)
    assert written(good, tmp_path / "clips").info.n_frames == N_FRAMES
    assert lost.clip_id == "droid_shard00001_ep001"
    assert lost.fault is not None
    assert lost.fault.found == (
        f"{shard} is cut off: the record at byte {size // 2} needs {size} bytes, the file has {size - 5}."
    )


def test_too_few_episodes_are_told(dataset: Path) -> None:
    shard = dataset / "droid_101-train.tfrecord-00001-of-00002"
    shard.write_bytes(framed(droid_episode()))
    lost = items(dataset)[2]
    assert lost.fault is not None
    assert lost.fault.found == f"{shard} holds 1 of 2 episodes."


def test_a_wrong_checksum_fails_its_episode_only(dataset: Path, tmp_path: Path) -> None:
    shard = dataset / "droid_101-train.tfrecord-00001-of-00002"
    content = bytearray(shard.read_bytes())
    content[2000] ^= 1
    shard.write_bytes(content)
    _, bad, good = items(dataset)
    with pytest.raises(SourceError) as caught:
        bad.write(tmp_path / "bad")
    assert caught.value.found == f"{shard}: the content of the record at byte 0 does not match its CRC-32C."
    assert written(good, tmp_path / "clips").info.n_frames == N_FRAMES


def test_a_damaged_jpeg_is_named(tmp_path: Path) -> None:
    images = bytes_feature([jpeg(0), jpeg(1)[:4], jpeg(2)])
    episode = droid_episode(**{"steps/observation/exterior_image_1_left": images})
    folder = write_droid(tmp_path / "droid", [[episode]])
    with pytest.raises(SourceError) as caught:
        items(folder)[0].write(tmp_path / "clip")
    shard = folder / "droid_101-train.tfrecord-00000-of-00001"
    assert caught.value.found == f"Step 1 of the episode at byte 0 of {shard} is no readable JPEG (4 bytes)."


@pytest.mark.parametrize(
    "info",
    [
        {"filepathTemplate": "../secret/{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"},
        {"filepathTemplate": "/etc/passwd"},
        {"filepathTemplate": "a/../../{SHARD_INDEX}"},
    ],
)
def test_a_template_cannot_leave_the_folder(tmp_path: Path, info: dict[str, str]) -> None:
    folder = write_droid(tmp_path / "droid", [[droid_episode()]], **info)
    with pytest.raises(SourceError, match=rf"The name '.*' points outside {folder}\."):
        items(folder)


def test_a_shard_that_is_a_link_outside_is_refused(dataset: Path, tmp_path: Path) -> None:
    shard = dataset / "droid_101-train.tfrecord-00000-of-00002"
    shard.rename(tmp_path / "elsewhere")
    shard.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="points outside"):
        items(dataset)


def test_a_template_cannot_reach_into_objects(tmp_path: Path) -> None:
    folder = write_droid(tmp_path / "droid", [[droid_episode()]], filepathTemplate="{SPLIT.__class__}")
    with pytest.raises(SourceError, match=r"filepathTemplate has the unknown variables SPLIT\.__class__"):
        items(folder)


def test_damaged_metadata_are_named(dataset: Path) -> None:
    (dataset / "dataset_info.json").write_text('{"name": "x", "splits": [{"name": "train"}]}')
    with pytest.raises(SourceError, match=r"dataset_info\.json does not describe an RLDS dataset: KeyError"):
        items(dataset)
    (dataset / "dataset_info.json").write_text('{"name": "x"}')
    with pytest.raises(SourceError, match="has no split 'train'; it has none"):
        items(dataset)


def test_two_versions_side_by_side_are_told(dataset: Path) -> None:
    write_droid(dataset.parent / "1.0.0", [[droid_episode()]])
    with pytest.raises(SourceError, match=r"holds 2 files dataset_info\.json: 1\.0\.0, 1\.0\.1\."):
        items(dataset.parent)


def test_the_fingerprint_follows_the_content(dataset: Path, tmp_path: Path) -> None:
    before = [item.fingerprint() for item in items(dataset)]
    other = write_droid(tmp_path / "other", [[droid_episode(texts=("shut it", "", ""))], [droid_episode()]])
    assert before[0] == before[1] == items(other)[1].fingerprint() != items(other)[0].fingerprint()
