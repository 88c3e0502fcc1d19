"""Demonstrations as rows: chunks repeat at the end, keyframes look ahead to the gripper's next change."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mu0.errors import PolicyError
from mu0.policy.demonstrations import chunks_of, next_keyframes, stored_demonstrations
from mu0.policy.embodiment import UR3
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode, LeRobotDataset
from mu0.sources.lerobot.ur3_features import ur3_contents, ur3_episode
from mu0.sources.lerobot.writer import write_lerobot_dataset
from mu0.sources.lerobot.writing_v3 import write_v3


def episode(n: int = 10) -> DemonstrationEpisode:
    action = np.zeros((n, 5), np.float32)
    action[:, 0] = np.arange(n) / 10
    action[4:8, 4] = 1
    state = np.zeros((n, 9), np.float32)
    state[1:, :5] = action[:-1]
    image = np.zeros((n, 32, 32, 3), np.uint8)
    return DemonstrationEpisode(image, image, state, action, "pick the red apple")


def test_chunks_repeat_the_last_action() -> None:
    chunks = chunks_of(episode().action, 4)
    np.testing.assert_allclose(chunks[0, :, 0], [0, 0.1, 0.2, 0.3])
    np.testing.assert_allclose(chunks[8, :, 0], [0.8, 0.9, 0.9, 0.9])


def test_keyframe_is_the_pose_where_the_gripper_changes_next() -> None:
    demo = episode()
    pose, valid = next_keyframes(demo.state, demo.action)
    np.testing.assert_array_equal(valid, [True] * 8 + [False] * 2)
    np.testing.assert_allclose(pose[:8, 0] + demo.state[:8, 0], [0.4] * 4 + [0.8] * 4, atol=1e-6)
    assert not pose[8:].any()


def test_stride_thins_rows_and_shares_instructions(tmp_path: Path) -> None:
    write_lerobot_dataset(tmp_path / "data", [episode(), episode()], fps_hz=10.0, robot_type="ur3e")
    frames, _ = stored_demonstrations(tmp_path / "data", 4, 2, tmp_path / "cache")
    assert len(frames.state) == 10
    assert frames.instructions == ["pick the red apple"]
    np.testing.assert_array_equal(frames.instruction_id, 0)
    whole, _ = stored_demonstrations(tmp_path / "data", 4, 1, tmp_path / "cache")
    np.testing.assert_array_equal(frames.chunk[:5], whole.chunk[0:10:2])
    np.testing.assert_array_equal(frames.keyframe[5:], whole.keyframe[11:20:2])
    np.testing.assert_array_equal(frames.wrist[5:], whole.wrist[11:20:2])


def test_rows_are_decoded_once_and_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lerobot_dataset(tmp_path / "data", [episode()], fps_hz=10.0, robot_type="ur3e")
    first, first_key = stored_demonstrations(tmp_path / "data", 4, 1, tmp_path / "cache")
    monkeypatch.setattr(LeRobotDataset, "load_episode", None)
    second, second_key = stored_demonstrations(tmp_path / "data", 4, 1, tmp_path / "cache")
    assert first_key == second_key
    assert isinstance(second.front, np.memmap)
    assert not second.front.flags.writeable
    np.testing.assert_array_equal(first.front, second.front)
    assert first.front.dtype == np.uint8
    assert first.state.dtype == first.chunk.dtype == first.keyframe.dtype == np.float32


def test_failures_are_learned_from_only_where_it_is_asked(tmp_path: Path) -> None:
    labels = [True, False, True]
    episodes = [replace(ur3_episode(episode(10 + n)), facts={"success": s}) for n, s in enumerate(labels)]
    write_v3(tmp_path / "data", episodes, ur3_contents(10.0, "ur3e"))
    good, good_key = stored_demonstrations(tmp_path / "data", 4, 1, tmp_path / "cache")
    first, _ = stored_demonstrations(tmp_path / "data", 4, 1, tmp_path / "cache", 2)
    every, every_key = stored_demonstrations(tmp_path / "data", 4, 1, tmp_path / "cache", with_failures=True)
    assert [len(each.state) for each in (good, first, every)] == [22, 22, 33]
    assert good_key != every_key
    np.testing.assert_array_equal(good.chunk, np.concatenate([every.chunk[:10], every.chunk[21:]]))


def test_the_key_follows_the_content(tmp_path: Path) -> None:
    keys = set()
    for name, n, chunk_len in [("a", 10, 4), ("b", 11, 4), ("c", 10, 5)]:
        write_lerobot_dataset(tmp_path / name, [episode(n)], fps_hz=10.0, robot_type="ur3e")
        keys.add(stored_demonstrations(tmp_path / name, chunk_len, 1, tmp_path / "cache")[1])
    assert len(keys) == 3


def test_no_demonstrations_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = LeRobotDataset(tmp_path, 10.0, {}, (), ())
    monkeypatch.setattr(LeRobotDataset, "open", lambda _: empty)
    with pytest.raises(PolicyError, match="hold no frames"):
        stored_demonstrations(tmp_path, 4, 1, tmp_path / "cache")


def test_increments_end_with_the_episode() -> None:
    robot = replace(
        UR3, action_kinds=("delta",) * 4 + ("absolute",), relative_to=(None,) * 5, keyframe_scale=()
    )
    chunks = chunks_of(np.ones((3, 5), np.float32), 3, robot)
    np.testing.assert_array_equal(chunks[1], [[1] * 5, [1] * 5, [0, 0, 0, 0, 1]])


def test_without_a_gripper_nothing_is_a_keyframe() -> None:
    pose, valid = next_keyframes(episode().state, episode().action, replace(UR3, grippers=()))
    assert pose.shape == (10, 0)
    assert not valid.any()


def test_any_gripper_makes_a_keyframe() -> None:
    demo, robot = episode(), replace(UR3, grippers=(3, 4), keyframe_scale=(0.1, 0.1, 0.1))
    demo.action[6:, 3] = 1
    pose, _ = next_keyframes(demo.state, demo.action, robot)
    np.testing.assert_allclose(pose[:8, 0] + demo.state[:8, 0], [0.4] * 4 + [0.6] * 2 + [0.8] * 2, atol=1e-6)
