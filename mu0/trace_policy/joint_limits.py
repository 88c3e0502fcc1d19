"""Whether an arm can follow commands: differential inverse kinematics on a copy, within joint limits.

The same solver as the environment's (`mu0.envs.ur3.controller`), one step after another. Nothing moves.
"""

import mujoco
import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.controller import InverseKinematics, top_down_rotation
from mu0.envs.ur3.kinematics import HOME_RAD, JOINTS
from mu0.trace_policy.refusals import ReachError

FROM_FAR, FROM_NEAR, FOLLOWING = 80, 12, 3
MISSES_BY_M = 0.005
MARGIN_RAD = 0.02


class ArmReach:
    """Tries commands on a copy of the arm that `model` holds."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._inverse = InverseKinematics(model)
        limits = np.stack([model.joint(name).range for name in JOINTS])
        self._stood_rad = HOME_RAD.copy()
        self._lowest_rad, self._highest_rad = (limits + np.array([MARGIN_RAD, -MARGIN_RAD])).T

    def __call__(self, start: Float[np.ndarray, " 4"], commands: Float[np.ndarray, "step 4"]) -> None:
        """Follow `commands` from `start`.

        Raises:
            ReachError: A command is missed, or a joint leaves its range.
        """
        self._stand_at(start)
        for step, command in enumerate(commands):
            rotation = top_down_rotation(float(command[3]))
            missed_m = self._inverse.solve(command[:3], rotation, FOLLOWING)
            joints_rad = self._inverse.joints_rad
            outside = (joints_rad < self._lowest_rad) | (joints_rad > self._highest_rad)
            if missed_m > MISSES_BY_M or outside.any():
                why = JOINTS[int(outside.argmax())] + " leaves its range" if outside.any() else "too far"
                raise ReachError(
                    f"The arm cannot follow command {step}, {np.round(command, 3).tolist()}: {why}.",
                    expected=f"poses reached to {1000 * MISSES_BY_M:.0f} mm within the joints' ranges",
                    remedy="move the robot's base or the thing nearer to each other.",
                )

    def _stand_at(self, start: Float[np.ndarray, " 4"]) -> None:
        """Solve for the beginning, from where the last way began if that is near."""
        rotation = top_down_rotation(float(start[3]))
        self._inverse.joints_rad = self._stood_rad
        if self._inverse.solve(start[:3], rotation, FROM_NEAR) > MISSES_BY_M:
            self._inverse.joints_rad = HOME_RAD.copy()
            self._inverse.solve(start[:3], rotation, FROM_FAR)
        self._stood_rad = self._inverse.joints_rad.copy()
