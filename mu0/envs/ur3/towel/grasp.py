"""The grasp assist: closing the gripper near the hem ties the nearest point of the hem to the tool.

Two simulated fingers that pinch a cloth take both its layers, or none; this stands for a pinch that
works. It is generous, for a real gripper has to get one finger under the hem. The rule is part of the
physics, the same for every policy:

    when the gripper closes   the point of the hem nearest to the tool's centre is held, if it is within 25 mm
    while it is closed        nothing else can be taken
    when it opens             what is held is let go

Both count at the end of the control step that commands it. The ties are MuJoCo constraints between places
that never change, switched by `eq_active`, which is part of MuJoCo's state: a snapshot holds what is
held.
"""

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.towel.cloth import HEM, hold_name

REACH_M = 0.025


class GraspAssist:
    """Switches the ties of one model."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._ties = np.array([model.equality(hold_name(index)).id for index in HEM.tolist()])

    def held(self, data: mujoco.MjData) -> int | None:
        """Which point of the towel is held."""
        active = np.flatnonzero(data.eq_active[self._ties])
        return int(HEM[active[0]]) if len(active) else None

    def take(
        self, data: mujoco.MjData, tool_m: Float[np.ndarray, " 3"], points_m: Float[np.ndarray, "100 3"]
    ) -> None:
        """Hold the point of the hem that is nearest to `tool_m`, if it is near enough."""
        distance_m = np.linalg.norm(points_m[HEM] - tool_m, axis=1)
        nearest = int(distance_m.argmin())
        if distance_m[nearest] <= REACH_M:
            data.eq_active[self._ties[nearest]] = 1

    def let_go(self, data: mujoco.MjData) -> None:
        """Hold nothing."""
        data.eq_active[self._ties] = 0
