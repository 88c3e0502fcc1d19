"""A clumsy arm: the demonstrator's script, each pose of which is aimed at with an error of its own.

It stands in for a policy that has learned too little. What comes of it is not arranged: it succeeds now and
then, and fails in ways of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from mu0.envs.ur3.arm_world import ArmWorld
from mu0.envs.ur3.script import Phase, Scripted, follow
from mu0.envs.ur3.tasks import Task

MISAIM_M = np.array([0.028, 0.028, 0.005])  # standard deviation of x, y and z


def demonstrate_clumsily(task: Task, world: ArmWorld, rng: np.random.Generator) -> Iterator[Scripted]:
    """Yield phase, wanted and executed action for the episode that `world` has just been reset to.

    The caller executes each before it asks for the next.

    Args:
        task: The task of `world`.
        world: Has just been reset.
        rng: Draws the errors.
    """
    return follow(_misaimed(task.plan(world), rng), world)


def _misaimed(plan: Iterable[Phase], rng: np.random.Generator) -> Iterator[Phase]:
    for phase in plan:
        pose = phase.pose.copy()
        pose[:3] += rng.normal(0, MISAIM_M)
        yield replace(phase, pose=pose)
