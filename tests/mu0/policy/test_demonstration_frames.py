"""Demonstrations as rows: chunks repeat at the end, keyframes look ahead to the gripper's next change."""

import numpy as np
import pytest

from mu0.errors import PolicyError
from mu0.policy.demonstrations import chunks_of, flatten_demonstrations, next_keyframes
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode


def episode(n: int = 10) -> DemonstrationEpisode:
    action = np.zeros((n, 5), np.float32)
    action[:, 0] = np.arange(n) / 10
    action[4:8, 4] = 1
    state = np.zeros((n, 9), np.float32)
    state[1:, :5] = action[:-1]
    image = np.zeros((n, 8, 8, 3), np.uint8)
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


def test_stride_thins_rows_and_shares_instructions() -> None:
    frames = flatten_demonstrations([episode(), episode()], chunk_len=4, frame_stride=2)
    assert len(frames.state) == 10
    assert frames.instructions == ["pick the red apple"]
    np.testing.assert_array_equal(frames.instruction_id, 0)


def test_no_demonstrations_is_an_error() -> None:
    with pytest.raises(PolicyError, match="hold no frames"):
        flatten_demonstrations([], chunk_len=4)
