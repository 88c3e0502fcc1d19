"""Milestones of unfold towel: the hand comes to the hem, holds a point of it, and raises that by 3 cm.

Any point of the hem counts, and an episode has several drags: what is told is whether it ever happened. How
much of the towel lies open in the end says the score.
"""

import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.milestones import AbstractMilestones
from mu0.envs.ur3.towel.cloth import HEM
from mu0.envs.ur3.towel.towel_environment import ENOUGH_COVERAGE, TowelEnvironment

LIFTED_M = 0.03
CREEP = 0.05  # of the score: cloth gives way a little wherever it is touched


class TowelMilestones(AbstractMilestones[TowelEnvironment]):
    """Watches the hem."""

    kind = "towel"

    def _target_m(self, tcp_m: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
        hem_m = self._world.points_m()[HEM]
        return hem_m[np.linalg.norm(hem_m - tcp_m, axis=1).argmin()]

    def _is_held(self) -> bool:
        return self._world.held_point() is not None

    def _is_lifted(self) -> bool:
        held = self._world.held_point()
        return held is not None and float(self._world.points_m()[held, 2]) > LIFTED_M

    def _why_not_done(self) -> str:
        if self._world.coverage >= ENOUGH_COVERAGE:
            return "spread out, but not let go"
        return "spread out in part" if self._world.score() > CREEP else "dragged, but not spread out"
