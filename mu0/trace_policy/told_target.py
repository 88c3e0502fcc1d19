"""The target's place from the simulator: a perfect finder, for upper bounds only."""

import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.environment import Ur3Environment
from mu0.geometry.rigid import apply, from_parts
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, Moment

AROUND_M = 0.02


def target_pose(environment: Ur3Environment) -> Float[np.ndarray, "4 4"]:
    """`base_from_target`."""
    body = environment.data.body(environment.target.kind)
    return from_parts(body.xmat.reshape(3, 3).copy(), body.xpos.copy())


def target_local_m() -> Float[np.ndarray, "6 3"]:
    """Points in and around the target's centre, in its own frame."""
    directions = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0.7, 0, 0.7]]
    return AROUND_M * np.array(directions, np.float64)


class ToldTarget(AbstractTargetFinder):
    """Knows the world that is acted in."""

    def __init__(self, environment: Ur3Environment) -> None:
        self._environment = environment

    def find(self, moment: Moment) -> Float[np.ndarray, "6 3"]:
        """Points of what the instruction names.

        Raises:
            UnknownObjectError: The world has nothing of that name.
        """
        instruction = moment.observation.instruction
        if self._environment.target.phrase not in instruction:
            known = ", ".join(sorted(thing.phrase for thing in self._environment.layout.objects))
            raise UnknownObjectError(
                f"Nothing here is what {instruction!r} names.",
                expected=f"one of: {known}",
                remedy="name a thing that lies on the table.",
            )
        return apply(target_pose(self._environment), target_local_m())
