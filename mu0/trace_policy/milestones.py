"""How far an episode of pick and place came, and why no further.

    reached   the TCP was within 4 cm of the target's centre
    grasped   both fingers touched it while they were closed
    lifted    it rose by 5 cm
    placed    it rests in the sink, let go of: success

The first that did not happen is the reason of a failure.
"""

import numpy as np
from jaxtyping import Float

from mu0.envs.tabletop import is_in_sink
from mu0.envs.ur3.environment import Ur3Environment

REACHED_M = 0.04
CLOSED = 0.5
GRIPPER = 4


class Milestones:
    """Watches an episode from its first moment on, step by step.

    Attributes:
        closest_m: Smallest distance from the TCP to the target's centre so far.
        aim_error_m: Across, from the TCP to the target when the hand first closed; NaN if it never did.
    """

    def __init__(self, environment: Ur3Environment) -> None:
        self._environment = environment
        self.reached, self.grasped = False, False
        self.closest_m, self.aim_error_m = float(np.linalg.norm(self._away_m())), np.nan

    def before(self, action: Float[np.ndarray, " 5"]) -> None:
        """Note what is about to be done."""
        if np.isnan(self.aim_error_m) and action[GRIPPER] > CLOSED:
            self.aim_error_m = float(np.linalg.norm(self._away_m()[:2]))

    def after(self, action: Float[np.ndarray, " 5"]) -> None:
        """Note what came of it."""
        self.closest_m = min(self.closest_m, float(np.linalg.norm(self._away_m())))
        self.reached = self.reached or self.closest_m < REACHED_M
        self.grasped = self.grasped or (
            bool(action[GRIPPER] > CLOSED) and both_fingers_touch(self._environment)
        )

    def why_not(self) -> str:
        """The first thing that has not happened; empty after a success."""
        environment = self._environment
        if environment.is_success():
            return ""
        if not self.reached:
            return "never came to the target"
        if not self.grasped:
            return "closed beside the target"
        if not environment.was_lifted:
            return "slipped out before it was lifted"
        if is_in_sink(environment.target_position_m(), environment.layout.sink_xy_m):
            return "in the sink, but not let go or not at rest"
        return "lifted, but not brought into the sink"

    def _away_m(self) -> Float[np.ndarray, " 3"]:
        return self._environment.target_position_m() - self._environment.state()[6:9]


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
