"""Milestones of pick into sink: the target is held between both fingers, and rises by 5 cm."""

import numpy as np
from jaxtyping import Float

from mu0.envs.tabletop import is_in_sink
from mu0.envs.ur3.environment import Ur3Environment
from mu0.envs.ur3.milestones import AbstractMilestones


class PickMilestones(AbstractMilestones[Ur3Environment]):
    """Watches the thing that shall go into the sink."""

    def __init__(self, world: Ur3Environment) -> None:
        super().__init__(world)
        self.kind, self.n_things = world.target.kind, len(world.layout.objects)

    def _target_m(self, tcp_m: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:  # noqa: ARG002 - one place
        return self._world.target_position_m()

    def _is_held(self) -> bool:
        return both_fingers_touch(self._world)

    def _is_lifted(self) -> bool:
        return self._world.was_lifted

    def _why_not_done(self) -> str:
        if is_in_sink(self._world.target_position_m(), self._world.layout.sink_xy_m):
            return "in the sink, but not let go or not at rest"
        return "lifted, but not brought into the sink"


def both_fingers_touch(environment: Ur3Environment) -> bool:
    """Whether the target lies between the fingers."""
    model, data = environment.model, environment.data
    target = model.body(environment.target.kind).id
    fingers = {int(model.body(name).id) for name in ("finger_left", "finger_right")}
    touching: set[int] = set()
    for contact in data.contact:
        bodies = {int(model.geom_bodyid[contact.geom1]), int(model.geom_bodyid[contact.geom2])}
        if target in bodies:
            touching |= bodies
    return fingers <= touching
