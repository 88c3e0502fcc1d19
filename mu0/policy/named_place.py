"""Where the named thing is and how it lies, for an expert that is told: beside the TCP, base frame.

In demonstrations the hand tells in hindsight (`mu0.policy.demonstrations.told_in_hindsight`); neither a
simulator nor a label has a say. When the robot acts, the world model finds the thing in the front picture,
and the calibrated camera and depth say where that is and, if it is long, how it lies; fingers close across
it. It is asked at the first moment, and again when the hand has opened: what it held is somewhere else then.
If nothing is found there, because the hand hides it, the last place counts until something is.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mu0.errors import PolicyError
from mu0.policy.demonstrations import GRIPPER, HALF, TCP, YAW, turn_told
from mu0.policy.normalization import TOLD_DIMS
from mu0.records import Observation
from mu0.trace_policy.asking import require_calibration
from mu0.trace_policy.named_finder import Measured, NamedFinder
from mu0.trace_policy.refusals import UnknownObjectError
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
        self._known: Measured | None = None
        self._asks = True

    def __call__(self, observation: Observation) -> Float[np.ndarray, " 4"]:
        """X and y of the thing beside the TCP [m], and the turn to its grasp as `turn_told`.

        All are zeros while the thing is held, and the turn is where the thing is not long.

        Raises:
            PolicyError: The state is missing.
            UncalibratedCameraError: The camera is not calibrated.
            UnknownObjectError: Nothing is called as the instruction says, and nothing was found before.
        """
        state = observation.proprioception
        if state is None:
            raise PolicyError(
                "The observation has no robot state.",
                expected="the nine numbers of the UR3's state",
                remedy="fill `proprioception` of the Observation.",
            )
        if state[GRIPPER] > HALF:
            self._asks = True
            return np.zeros(TOLD_DIMS)
        middle_m, along = self._look(observation)
        turn = np.zeros(2)
        if along is not None:
            turn = turn_told(np.array(np.arctan2(along[1], along[0]) - state[YAW]))
        return np.array([*(middle_m[:2] - state[TCP]), *turn])

    def _look(self, observation: Observation) -> Measured:
        """What is found, or was."""
        if self._asks or self._known is None:
            view = require_calibration(self._view())
            try:
                self._known = self._finder.measure(observation, view)
                self._asks = False
            except UnknownObjectError:
                if self._known is None:
                    raise
        return self._known
