"""Milestones of pour almonds: the cup is taken where its walls are flat, and rises by 5 cm in the hand."""

import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.milestones import AbstractMilestones
from mu0.envs.ur3.pour.environment import ENOUGH_SHARE, PourEnvironment
from mu0.envs.ur3.pour.scene import CUP

LIFTED_M = 0.05


class PourMilestones(AbstractMilestones[PourEnvironment]):
    """Watches the cup and what becomes of the almonds."""

    def __init__(self, world: PourEnvironment) -> None:
        super().__init__(world)
        self.kind = world.tableware.cup.name

    def _target_m(self, tcp_m: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:  # noqa: ARG002 - one place
        return self._world.grasp_place_m()

    def _is_held(self) -> bool:
        return self._world.holds_cup()

    def _is_lifted(self) -> bool:
        return self._world.holds_cup() and float(self._world.data.body(CUP).xpos[2]) > LIFTED_M

    def _why_not_done(self) -> str:
        world, count = self._world, self._world.count()
        if world.was_dropped:
            return "dropped the cup"
        if count.cup == world.n_almonds:
            return "lifted the cup, but poured nothing"
        if count.bowl >= ENOUGH_SHARE * world.n_almonds:
            return "poured enough, but the cup is not upright or the almonds not at rest"
        return "poured beside the bowl" if count.elsewhere > count.cup else "poured too little"
