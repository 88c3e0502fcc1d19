"""Executes the first part of a chunk, then replans."""

import numpy as np
import pytest

from mu0.errors import PolicyError
from mu0.interfaces import AbstractPolicy
from mu0.policy.chunk_executor import ChunkExecutor
from mu0.records import ActionChunk, Observation

LOOK = Observation(np.zeros((4, 4, 3), np.uint8), "pick")


class CountingPolicy(AbstractPolicy):
    """Plan p, step s -> the number 100 p + s."""

    def reset(self, seed: int) -> None:
        self.n_plans = 0

    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        self.n_plans += 1
        return ActionChunk(100.0 * self.n_plans + np.arange(16.0)[:, None].repeat(5, 1), 10.0)


def executor(execute_steps: int) -> ChunkExecutor:
    made = ChunkExecutor(CountingPolicy(), execute_steps)
    made.reset(0)
    return made


def test_executes_eight_then_replans() -> None:
    player = executor(8)
    played = [player.act(LOOK)[0] for _ in range(17)]
    assert played == [*range(100, 108), *range(200, 208), 300]
    assert player.n_plans == 3


def test_reset_forgets_the_rest_of_the_chunk() -> None:
    player = executor(8)
    for _ in range(3):
        player.act(LOOK)
    player.reset(1)
    assert player.act(LOOK)[0] == 100
    assert player.n_plans == 1


def test_too_short_chunks_are_refused() -> None:
    with pytest.raises(PolicyError, match="plans 16 steps, but 17 shall be executed"):
        executor(17).act(LOOK)
