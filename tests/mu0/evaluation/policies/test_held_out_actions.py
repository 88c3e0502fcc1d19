"""Held-out windows: what was recorded, what stays, what is usual, and the pictures of their own moment."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mu0.evaluation.policies.held_out_actions import mean_chunk, plan_held_out, training_spread
from mu0.interfaces import AbstractPolicy
from mu0.policy.own_robot.held_out import split_episodes
from mu0.policy.own_robot.reading import read_own_dataset
from mu0.policy.own_robot.recognition import recognise
from mu0.policy.own_robot.training import Prepared
from mu0.records import ActionChunk, Observation
from tests.mu0.policy.own_robot.robots import joint_names, swing, write_robot
from tests.mu0.sources.lerobot.lerobot_layouts import seen_in

N, CHUNK, JOINTS = 13, 4, 3


class Knowing(AbstractPolicy):
    """Reads episode and row off the picture, and plans what was recorded there."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.seeds: list[int] = []

    def reset(self, seed: int) -> None:
        self.seeds.append(seed)

    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        episode, row = seen_in(observation.image)
        self.seen.append((episode, row))
        state, action = swing(N, JOINTS, episode)
        assert observation.proprioception is not None
        np.testing.assert_array_equal(observation.proprioception, state[row])
        return ActionChunk(action[row : row + CHUNK], 10.0)


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[list[int]], Prepared]:
    def make(lengths: list[int]) -> Prepared:
        root = write_robot(tmp_path / "data", "v2.1", lengths, JOINTS, 1, joint_names(JOINTS))
        dataset = read_own_dataset(root)
        split = split_episodes(dataset.lengths, CHUNK, 0.4, 0)
        robot = recognise(dataset.layout, dataset.episodes, dataset.cameras)
        return Prepared(dataset, split, robot, "stems")

    return make


def test_a_policy_sees_the_moment_before_its_chunk(prepared: Callable[[list[int]], Prepared]) -> None:
    given, policy = prepared([N] * 3), Knowing()
    found = plan_held_out(policy, given, CHUNK, 5)
    held_out = {one.episode for one in given.split.held_out}
    assert {episode for episode, _ in policy.seen} == held_out
    assert [row for _, row in policy.seen] == list(range(1, N - CHUNK + 1)) * len(held_out)
    assert policy.seeds == [5] * len(held_out)
    np.testing.assert_allclose(found.planned["policy"], found.recorded, atol=1e-6)


def test_holding_repeats_the_command_before_the_window(prepared: Callable[[list[int]], Prepared]) -> None:
    found = plan_held_out(Knowing(), prepared([N] * 3), CHUNK, 0)
    n_windows = N - CHUNK
    before = found.planned["hold"][1:n_windows]
    np.testing.assert_array_equal(before, np.repeat(found.recorded[: n_windows - 1, :1], CHUNK, axis=1))


def test_the_mean_chunk_starts_from_where_the_robot_stands(
    prepared: Callable[[list[int]], Prepared],
) -> None:
    given = prepared([N] * 2)
    (learnt,), (asked,) = given.split.train, given.split.held_out
    state, action = swing(N, JOINTS, learnt.episode)
    steps = np.minimum(np.arange(N)[:, None] + np.arange(CHUNK), N - 1)
    relative = action[steps].astype(np.float64)
    relative[..., :2] -= state[:, None, :2]
    np.testing.assert_allclose(mean_chunk(given, CHUNK), relative.mean(0))
    planned = plan_held_out(Knowing(), given, CHUNK, 0).planned["mean_chunk"][0]
    expected = relative.mean(0)
    expected[:, :2] += swing(N, JOINTS, asked.episode)[0][1, :2]
    np.testing.assert_allclose(planned, expected)


def test_the_replay_lays_chunk_behind_chunk(prepared: Callable[[list[int]], Prepared]) -> None:
    found = plan_held_out(Knowing(), prepared([N] * 2), CHUNK, 0)
    np.testing.assert_array_equal(np.flatnonzero(found.replayed), [0, 4, 8])


def test_of_one_episode_only_the_end_is_asked_about(prepared: Callable[[list[int]], Prepared]) -> None:
    policy = Knowing()
    given = prepared([N])
    plan_held_out(policy, given, CHUNK, 0)
    (learnt,) = given.split.train
    assert min(row for _, row in policy.seen) > learnt.end


def test_the_spread_is_that_of_training(prepared: Callable[[list[int]], Prepared]) -> None:
    given = prepared([N] * 2)
    _, action = swing(N, JOINTS, given.split.train[0].episode)
    np.testing.assert_allclose(training_spread(given), action.std(0), rtol=1e-5)
