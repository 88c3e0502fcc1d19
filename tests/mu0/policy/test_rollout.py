"""Closed-loop rollouts: equal seeds, equal rollouts; the demonstrator solves what the scenes allow."""

import dataclasses

import numpy as np
import pytest

from mu0.errors import PolicyError
from mu0.interfaces import AbstractPolicy
from mu0.policy.chunk_executor import ChunkExecutor
from mu0.policy.executors import ScriptedExecutor
from mu0.policy.rollout import rollout, side_by_side
from mu0.records import ActionChunk, Observation

pytest.importorskip("mujoco")
from mu0.envs.ur3.tasks import TASKS

PICK = TASKS["pick"]


class WanderingPolicy(AbstractPolicy):
    """Small random moves around the commanded pose."""

    def reset(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        assert observation.proprioception is not None
        actions = np.tile(observation.proprioception[:5].astype(np.float64), (16, 1))
        actions[:, :3] += self.rng.normal(0, 0.01, (16, 3)).cumsum(0)
        return ActionChunk(actions, 10.0)


def test_front_and_wrist_lie_side_by_side() -> None:
    front, wrist = np.zeros((128, 128, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    picture = side_by_side(Observation(front, "pick", wrist_image=wrist))
    assert picture.shape == (128, 256, 3)
    assert picture[:, :128].max() == 0
    assert picture[:, 128:].min() == 255


@pytest.mark.slow
def test_equal_seeds_give_equal_rollouts() -> None:
    environment = PICK.make(64)
    outcomes, videos = [], []
    for seed in (7, 8, 7):
        result, pictures = rollout(PICK, environment, ChunkExecutor(WanderingPolicy(), 8), "mu0", seed, 12)
        outcomes.append(dataclasses.replace(result, ms_per_plan=0.0))
        videos.append(np.stack(pictures))
    environment.close()
    assert outcomes[0] == outcomes[2]
    assert outcomes[0].n_plans == 2
    np.testing.assert_array_equal(videos[0], videos[2])
    assert (videos[0] != videos[1]).any()


@pytest.mark.slow
def test_demonstrator_succeeds() -> None:
    environment = PICK.make(64)
    result, _ = rollout(PICK, environment, ScriptedExecutor(PICK, environment), "demonstrator", 50_000, 120)
    environment.close()
    assert result.success
    assert result.lifted
    assert result.closest_m < 0.03


@pytest.mark.slow
def test_without_a_record_the_outcome_is_the_same() -> None:
    environment = PICK.make(64)
    executor = ChunkExecutor(WanderingPolicy(), 8)
    seen, pictures = rollout(PICK, environment, executor, "mu0", 7, 12)
    unseen, none = rollout(PICK, environment, executor, "mu0", 7, 12, record=False)
    environment.close()
    assert dataclasses.replace(seen, ms_per_plan=0.0) == dataclasses.replace(unseen, ms_per_plan=0.0)
    assert len(pictures) == 13
    assert none == []


class RefusingPolicy(WanderingPolicy):
    """Refuses at its second plan."""

    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        self.n_plans = getattr(self, "n_plans", 0) + 1
        if self.n_plans == 2:
            raise PolicyError("It cannot see.", expected="light", remedy="switch it on.")
        return super().predict_action_chunk(observation)


@pytest.mark.slow
def test_a_refusal_ends_the_episode_and_is_told() -> None:
    environment = PICK.make(64)
    result, pictures = rollout(PICK, environment, ChunkExecutor(RefusingPolicy(), 8), "mu0", 7, 40)
    environment.close()
    assert not result.success
    assert result.n_steps == 8
    assert result.reason == "PolicyError: It cannot see."
    assert len(pictures) == 9


@pytest.mark.slow
def test_the_scripted_expert_passes_every_milestone() -> None:
    environment = PICK.make(render=False)
    result, _ = rollout(
        PICK, environment, ScriptedExecutor(PICK, environment), "demonstrator", 7, 120, record=False
    )
    assert (result.reached, result.grasped, result.lifted, result.success) == (True,) * 4
    assert result.reason == ""
