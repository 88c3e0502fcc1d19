"""Plays action chunks: execute the first part of a chunk, then look again and replan."""

from typing import Any

import numpy as np
from jaxtyping import Float

from mu0.errors import PolicyError
from mu0.interfaces import AbstractPolicy
from mu0.policy.executor import AbstractExecutor
from mu0.records import Observation


class ChunkExecutor(AbstractExecutor):
    """Turns a policy that plans chunks into one that acts step by step.

    Args:
        policy: Plans chunks.
        execute_steps: Steps of each chunk that are executed before replanning.
    """

    def __init__(self, policy: AbstractPolicy, execute_steps: int) -> None:
        self._policy = policy
        self._execute_steps = execute_steps
        self._left: list[Float[np.ndarray, " action"]] = []
        self.n_plans = 0

    def reset(self, seed: int) -> None:
        """Start a new episode: forget the rest of the chunk."""
        self._policy.reset(seed)
        self._left = []
        self.n_plans = 0

    @property
    def looks_next(self) -> bool:
        """Whether the next action needs a new picture; the robot's state it always needs."""
        return not self._left

    def act(self, observation: Observation) -> Float[np.ndarray, " action"]:
        """The action for this moment; plans when the executed part of the last chunk is used up.

        Raises:
            PolicyError: The policy's chunks are shorter than what should be executed of them.
        """
        if not self._left:
            chunk = self._policy.predict_action_chunk(observation).actions
            if len(chunk) < self._execute_steps:
                raise PolicyError(
                    f"The policy plans {len(chunk)} steps, but {self._execute_steps} shall be executed.",
                    expected=f"1 to {len(chunk)} executed steps",
                    remedy="lower ur3_report.execute_steps or raise action_expert.chunk_len in params.yaml.",
                )
            self._left = list(chunk[: self._execute_steps])
            self.n_plans += 1
        return self._left.pop(0)

    def state(self) -> dict[str, Any]:
        """What a log wants to know."""
        return {"n_plans": self.n_plans, "left": len(self._left)}
