"""The scripts and the trace policy in the place of a chunk executor."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.arm_world import ArmWorld
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.script import Scripted
from mu0.envs.ur3.tasks import Task
from mu0.policy.executor import AbstractExecutor
from mu0.records import Observation
from mu0.trace_policy.drawn_futures import with_futures
from mu0.trace_policy.policy import TracePolicy
from mu0.trace_policy.ur3 import front_view


class ScriptedExecutor(AbstractExecutor):
    """The scripted expert of a task; knows the scene and looks at nothing.

    Args:
        task: Whose script.
        world: A world of that task.
    """

    looks_next = False

    def __init__(self, task: Task, world: ArmWorld) -> None:
        self._task, self._world = task, world
        self._script: Iterator[Scripted] = iter(())

    def reset(self, seed: int) -> None:  # noqa: ARG002 - it draws nothing
        """Begin the script for the scene that the world shows."""
        self._script = self._task.demonstrate(self._world, None)

    def act(self, observation: Observation) -> Float[np.ndarray, " action"]:  # noqa: ARG002 - knows the scene
        """The script's next action; when it is over, the command stays."""
        step = next(self._script, None)
        return self._world.command.copy() if step is None else step[2]


class TraceExecutor(AbstractExecutor):
    """The trace policy; its videos show the futures that it asked for last."""

    def __init__(self, policy: TracePolicy, environment: Ur3Environment) -> None:
        self._policy, self._environment = policy, environment

    @property
    def looks_next(self) -> bool:
        """As the policy says."""
        return self._policy.looks_next

    def reset(self, seed: int) -> None:
        """Start an episode."""
        self._policy.reset(seed)
        self.n_plans = 0

    def act(self, observation: Observation) -> Float[np.ndarray, " 5"]:
        """The action for this moment.

        Raises:
            PolicyError: One of `mu0.trace_policy.refusals`.
        """
        action: Float[np.ndarray, " 5"] = self._policy.predict_action_chunk(observation).actions[0]
        self.n_plans = self._policy.n_asks
        return action

    def shown(self, observation: Observation) -> Observation:
        """With the traces drawn into it."""
        futures = self._policy.futures
        if futures is None:
            return observation
        return with_futures(observation, futures, front_view(self._environment))
