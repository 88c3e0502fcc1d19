"""Where the named thing is, for an expert that is told it: x and y beside the TCP, base frame.

In demonstrations the hand tells in hindsight (`mu0.policy.demonstrations.named_places`); neither a simulator
nor a label has a say. When the robot acts, the world model finds the thing in the front picture and the
calibrated camera says where that is. It is asked at the first moment, and again when the hand has opened:
what it held is somewhere else then.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mu0.errors import PolicyError
from mu0.policy.demonstrations import GRIPPER, HALF, TCP
from mu0.records import Observation
from mu0.trace_policy.asking import require_calibration
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.view import CalibratedView


class NamedPlace:
    """Asks a finder and remembers the answer while the hand goes there.

    Args:
        finder: Of the named thing.
        view: The front camera of this moment; None where it is not calibrated.
    """

    def __init__(self, finder: NamedFinder, view: Callable[[], CalibratedView | None]) -> None:
        self._finder, self._view = finder, view
        self.reset()

    def reset(self) -> None:
        """Start an episode."""
        self._place_m: Float[np.ndarray, " 2"] | None = None

    def __call__(self, observation: Observation) -> Float[np.ndarray, " 2"]:
        """X and y of the thing beside the TCP [m]; zero while it is held.

        Raises:
            PolicyError: The state is missing.
            UncalibratedCameraError: The camera is not calibrated.
            UnknownObjectError: Nothing is called as the instruction says.
        """
        state = observation.proprioception
        if state is None:
            raise PolicyError(
                "The observation has no robot state.",
                expected="the nine numbers of the UR3's state",
                remedy="fill `proprioception` of the Observation.",
            )
        if state[GRIPPER] > HALF:
            self._place_m = None
            return np.zeros(2)
        if self._place_m is None:
            view = require_calibration(self._view())
            self._place_m = self._finder.place_m(observation, view)[:2]
        beside_m: Float[np.ndarray, " 2"] = self._place_m - state[TCP]
        return beside_m
