"""Where the named thing is and how it lies, for an expert that is told: beside the TCP, base frame.

In demonstrations the hand tells in hindsight (`mu0.policy.demonstrations.told_in_hindsight`); neither a
simulator nor a label has a say. When the robot acts, the world model finds the thing in the front picture,
and the calibrated camera and depth say where that is and, if it is long, how it lies; fingers close across
it. It is asked at the first moment, and again when the hand has opened: what it held is somewhere else then.
If nothing is found there, because the hand hides it, the last place counts until something is.

A towel is taken several times. Where, the world model says of the folded one only (`CarriedFarthest`); from
the first drag on the place is the one where the hand has let go, as in hindsight. Nobody tells of a bowl that
rests: an expert sees it through the wrist's camera, or as `grounded_front` through the front one as well.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mu0.errors import PolicyError
from mu0.model.predictor import TracePredictor
from mu0.policy.arms import YAW, Arm
from mu0.policy.demonstrations import HALF, turn_told
from mu0.policy.embodiment import UR3, Embodiment
from mu0.policy.normalization import TOLD_DIMS
from mu0.records import Observation
from mu0.trace_policy.asking import require_calibration
from mu0.trace_policy.carried_farthest import CarriedFarthest
from mu0.trace_policy.named_finder import Measured, NamedFinder
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.view import CalibratedView

SOFT = ("towel",)
"""Tasks whose thing is taken at its hem, and looks like another one as soon as it was moved."""


class NamedPlace:
    """Asks a finder and remembers the answer while the hand goes there.

    Args:
        finder: Of the named thing.
        view: The front camera of this moment; None where it is not calibrated.
        embodiment: Of the robot.
        asks_again: Whether an opened hand asks the finder; otherwise the thing is where it opened.
    """

    def __init__(
        self,
        finder: NamedFinder,
        view: Callable[[], CalibratedView | None],
        embodiment: Embodiment = UR3,
        *,
        asks_again: bool = True,
    ) -> None:
        self._finder, self._view, self._asks_again = finder, view, asks_again
        self._embodiment = embodiment
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
                expected=f"the {self._embodiment.state_dim} numbers of the arm's state",
                remedy="fill `proprioception` of the Observation.",
            )
        tcp_m = state[list(self._embodiment.tcp_m)]
        if state[self._embodiment.grippers[0]] > HALF:  # a state begins with the commands
            self._asks = self._asks_again
            if not self._asks_again:
                self._known = np.array([*tcp_m, 0.0]), None
            return np.zeros(TOLD_DIMS)
        middle_m, along = self._look(observation)
        turn = np.zeros(2)
        if along is not None:
            turn = turn_told(np.array(np.arctan2(along[1], along[0]) - state[YAW]))
        return np.array([*(middle_m[:2] - tcp_m), *turn])

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


def named_place(arm: Arm, predictor: TracePredictor, view: Callable[[], CalibratedView | None]) -> NamedPlace:
    """The named place as a task needs it.

    Args:
        arm: The task, and what the robot's numbers mean.
        predictor: Of a world model that was trained with `named_images`.
        view: The front camera of a moment.
    """
    is_soft = arm.task in SOFT
    finder = CarriedFarthest(predictor) if is_soft else NamedFinder(predictor)
    return NamedPlace(finder, view, arm.embodiment, asks_again=not is_soft)
