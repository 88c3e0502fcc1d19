"""A simulated clip is a pure function of its section and index, and its truth fits its pictures."""

import numpy as np
import pytest

from mu0.params.raw_videos import SimulatedSource
from mu0.sources.simulated import RecordedClip, record_clip


def source(embodiment: str, **changes: object) -> SimulatedSource:
    values = {"embodiment": embodiment, "n_clips": 4, "image_size_px": 64, "seed": 1000, **changes}
    return SimulatedSource.model_validate({"kind": "simulated", **values})


@pytest.fixture(scope="module")
def clip() -> RecordedClip:
    return record_clip(source("ur3"), 1)


def assert_equal_clips(first: RecordedClip, second: RecordedClip) -> None:
    for name in ("frames", "depth_m", "camera_from_world", "robot_state", "robot_action", "wrist_frames"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(first.truth.points_world, second.truth.points_world)
    np.testing.assert_array_equal(first.truth.visible, second.truth.visible)
    assert first.instruction == second.instruction


def test_recording_again_gives_the_same_bytes(clip: RecordedClip) -> None:
    record_clip(source("ur3"), 2)
    assert_equal_clips(clip, record_clip(source("ur3"), 1))


def test_a_clip_holds_what_the_contract_says(clip: RecordedClip) -> None:
    n_frames = len(clip.frames)
    assert 50 <= n_frames <= 80
    assert clip.success
    assert clip.robot_state is not None
    assert clip.robot_action is not None
    assert clip.robot_state.dtype == clip.robot_action.dtype == np.float32
    assert clip.depth_m.dtype == np.float32
    assert 150 <= len(clip.truth.entity) <= 250
    assert 0.3 < clip.truth.is_moving.mean() < 0.9


def test_visible_points_lie_on_the_measured_surface(clip: RecordedClip) -> None:
    errors_m = []
    for frame in range(0, len(clip.frames), 10):
        pose = clip.camera_from_world[frame]
        points = clip.truth.points_world[frame][clip.truth.visible[frame]] @ pose[:3, :3].T + pose[:3, 3]
        pixels = (points / points[:, 2:]) @ clip.intrinsics.T
        column, row = np.rint(pixels[:, :2]).astype(int).T
        errors_m.append(np.abs(clip.depth_m[frame][row, column] - points[:, 2]))
    assert np.concatenate(errors_m).max() < 0.025  # 1.2 cm and the sensor's noise
    assert np.median(np.concatenate(errors_m)) < 0.005


def test_clips_of_a_scene_share_it() -> None:
    params = source("human_hand", clips_per_scene=2)
    first, second, third = (record_clip(params, index) for index in (0, 1, 2))
    assert first.scene_id == second.scene_id != third.scene_id
    np.testing.assert_array_equal(first.camera_from_world[0], second.camera_from_world[0])
    assert first.robot_state is None
    assert not np.array_equal(first.frames[5], second.frames[5])


def test_shares_are_met_and_do_not_depend_on_each_other() -> None:
    from mu0.sources.simulated import _has_known_poses, _has_moving_camera

    params = source("human_hand", n_clips=80, moving_camera_share=0.5, known_pose_share=0.5)
    moving = np.array([_has_moving_camera(params, i) for i in range(80)])
    known = np.array([_has_known_poses(params, i) for i in range(80)])
    assert abs(moving.mean() - 0.5) < 0.05
    assert abs(known.mean() - 0.5) < 0.05
    assert abs((moving & known).mean() - 0.25) < 0.06
