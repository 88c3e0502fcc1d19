"""AgiBot World: both layouts become clips, ids never collide, cameras are used or their absence told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mu0.errors import SourceError
from mu0.params.raw_videos import AgiBotSource
from mu0.sources.agibot.reader import AgiBotReader
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.item import SourceItem
from tests.mu0.sources.dataset_layouts import (
    INTRINSICS,
    N_FRAMES,
    expected_corner,
    square_corner,
    world_from_camera,
    write_agibot_raw,
    write_agibot_simple,
)

PARAMETERS = "parameters/327/648642/parameters/camera"


def items(folder: Path, **params: Any) -> list[SourceItem]:
    return list(AgiBotReader("agibot", AgiBotSource(kind="agibot", folder=str(folder), **params)).items())


def written(folder: Path, **params: Any) -> Clip:
    (item,) = items(folder, **params)
    goal = folder.parent / "clips" / item.clip_id
    item.write(goal)
    return read_clip(goal)


def test_the_simple_layout_has_a_video_and_a_text(tmp_path: Path) -> None:
    clip = written(write_agibot_simple(tmp_path / "agibot"))
    assert (clip.info.clip_id, clip.info.instruction) == ("327__648642", "pick the cup")
    assert (clip.info.scene_id, clip.info.licence) == ("agibot/327", "CC BY-NC-SA 4.0")
    assert (clip.info.has_intrinsics, clip.info.has_poses, clip.info.note) == (False, False, "")
    assert [square_corner(frame) for frame in clip.iter_frames()] == [
        expected_corner(i) for i in range(N_FRAMES)
    ]


def test_equal_episode_numbers_of_two_tasks_do_not_collide(tmp_path: Path) -> None:
    for task in ("327", "1000"):
        write_agibot_simple(tmp_path / "agibot", task, "1")
    assert [item.clip_id for item in items(tmp_path / "agibot")] == ["327__1", "1000__1"]


def test_the_raw_layout_has_words_and_a_moving_camera(tmp_path: Path) -> None:
    clip = written(write_agibot_raw(tmp_path / "agibot"))
    assert (clip.info.clip_id, clip.info.instruction) == ("327__648642", "Tidy the table")
    assert (clip.info.intrinsics_source, clip.info.hand_eye_source) == ("data", "data")
    assert (
        clip.info.note
        == "actions: 0-6 Grasp the cup | 6-12 Put it down; depth and robot states were left out"
    )
    np.testing.assert_allclose(clip.intrinsics(), INTRINSICS)
    camera_from_world = clip.camera_from_world()
    assert camera_from_world is not None
    point_base = np.array([0.2, 0.1, 1.5])
    for seen_from, pose in zip(camera_from_world, world_from_camera(), strict=True):
        as_maintainers_say = pose[:3, :3].T @ (point_base - pose[:3, 3])
        np.testing.assert_allclose(seen_from[:3, :3] @ point_base + seen_from[:3, 3], as_maintainers_say)


def test_parameters_of_the_sample_data_lie_one_level_higher(tmp_path: Path) -> None:
    folder = write_agibot_raw(tmp_path / "agibot")
    (folder / PARAMETERS).rename(folder / "parameters/327/648642/camera")
    assert written(folder).info.has_poses


def test_poses_that_do_not_fit_the_frames_are_left_out_and_told(tmp_path: Path) -> None:
    info = written(write_agibot_raw(tmp_path / "agibot", n_poses=11)).info
    assert (info.has_intrinsics, info.has_poses, info.hand_eye_source) == (True, False, "none")
    assert "; camera poses were left out: 11 for 12 frames; " in info.note


def test_a_distorting_lens_is_told(tmp_path: Path) -> None:
    folder = write_agibot_raw(tmp_path / "agibot")
    path = folder / PARAMETERS / "head_intrinsic_params.json"
    content = json.loads(path.read_text())
    content["intrinsic"]["k1"] = -0.05
    path.write_text(json.dumps(content))
    assert "the lens distorts, which is not corrected" in written(folder).info.note


def test_an_unknown_episode_has_no_words(tmp_path: Path) -> None:
    folder = write_agibot_raw(tmp_path / "agibot")
    (folder / "task_info/task_327.json").write_text("[]")
    info = written(folder).info
    assert (info.instruction, "task_327.json does not know this episode" in info.note) == ("", True)


def test_without_parameters_and_texts_the_video_still_counts(tmp_path: Path) -> None:
    folder = write_agibot_raw(tmp_path / "agibot")
    (folder / "parameters").rename(tmp_path / "parameters")
    (folder / "task_info/task_327.json").unlink()
    info = written(folder).info
    assert (info.instruction, info.intrinsics_source, info.n_frames) == ("", "none", N_FRAMES)


def test_frames_and_poses_are_picked_together(tmp_path: Path) -> None:
    clip = written(write_agibot_raw(tmp_path / "agibot"), resample_hz=5.0)
    assert clip.info.n_frames == 2
    camera_from_world = clip.camera_from_world()
    assert camera_from_world is not None
    np.testing.assert_allclose(
        camera_from_world @ world_from_camera()[::6], np.tile(np.eye(4), (2, 1, 1)), atol=1e-9
    )


def test_an_absent_camera_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    folder = write_agibot_raw(tmp_path / "agibot")
    (item,) = items(folder, camera="hand_left")
    assert item.fault is not None
    video = folder / "observations/327/648642/videos/hand_left_color.mp4"
    assert item.fault.found == f"{video} is missing; the videos there are: head_color.mp4."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"{PARAMETERS}/head_intrinsic_params.json", '{"intrinsic": {"fx": 1}}'),
        (f"{PARAMETERS}/head_extrinsic_params_aligned.json", '[{"extrinsic": {"rotation_matrix": [1]}}]'),
        ("task_info/task_327.json", '{"not": "a list"}'),
        ("task_info/task_327.json", "{"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, name: str, content: str) -> None:
    folder = write_agibot_raw(tmp_path / "agibot")
    (folder / name).write_text(content)
    (item,) = items(folder)
    with pytest.raises(SourceError, match=rf"{Path(name).name} does not describe (a camera|episodes): "):
        item.write(tmp_path / "clip")


def test_a_task_that_is_a_link_outside_is_told(tmp_path: Path) -> None:
    write_agibot_simple(tmp_path / "elsewhere")
    (tmp_path / "agibot").mkdir()
    (tmp_path / "agibot/327").symlink_to(tmp_path / "elsewhere/327")
    (item,) = items(tmp_path / "agibot")
    assert item.fault is not None
    assert item.fault.found == f"The name '327/648642/obs.mp4' points outside {tmp_path / 'agibot'}."


def test_an_episode_without_a_video_is_a_row(tmp_path: Path) -> None:
    folder = write_agibot_simple(tmp_path / "agibot")
    (folder / "327/648642/obs.mp4").unlink()
    (item,) = items(folder)
    assert item.fault is not None
    assert "obs.mp4 is missing; the videos there are: none." in item.fault.found


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "agibot").mkdir()
    with pytest.raises(SourceError, match=r"holds no AgiBot episodes \(found 0\)"):
        items(tmp_path / "agibot")


def test_the_fingerprint_follows_the_words_of_this_episode_only(tmp_path: Path) -> None:
    folder = write_agibot_raw(tmp_path / "agibot")
    path = folder / "task_info/task_327.json"
    before = items(folder)[0].fingerprint()
    entries = json.loads(path.read_text())
    path.write_text(json.dumps([*entries, entries[0] | {"episode_id": 1}]))
    assert items(folder)[0].fingerprint() == before
    path.write_text(json.dumps([entries[0] | {"task_name": "Clean up"}]))
    assert items(folder)[0].fingerprint() != before
