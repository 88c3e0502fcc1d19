"""Where the named thing is and how it lies, for an expert that is told: beside the TCP, base frame.

In demonstrations the hand tells in hindsight (`mu0.policy.demonstrations.told_in_hindsight`); neither a
simulator nor a label has a say. When the robot acts, the world model finds the thing in the front picture,
and the calibrated camera and depth say where that is and, if it is long, how it lies; fingers close across
it. It is asked at the first moment, and again when the hand has opened: what it held is somewhere else then.
If nothing is found there, because the hand hides it, the last place counts until something is.

A towel is taken and dragged several times. Where and how far, the world model says too (`CarriedFarthest`),
again after every drag. Nobody tells of a bowl that rests: an expert sees it through the wrist's camera, or as
`grounded_front` through the front one as well.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from mu0.errors import PolicyError
from mu0.model.predictor import TracePredictor
from mu0.policy.arms import PICK, YAW, Arm, arm_of
from mu0.policy.demonstrations import HALF, turn_told, way_told
from mu0.policy.normalization import TOLD_DIMS
from mu0.records import Observation
from mu0.trace_policy.asking import require_calibration
from mu0.trace_policy.carried_farthest import CarriedFarthest
from mu0.trace_policy.named_finder import Measured, NamedFinder
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.view import CalibratedView


class NamedPlace:
    """Asks a finder and remembers the answer while the hand goes there.

    Args:
        finder: Of the named thing.
        view: The front camera of this moment; None where it is not calibrated.
        arm: The robot's numbers, and whether its thing is dragged.
    """

    def __init__(
        self, finder: NamedFinder, view: Callable[[], CalibratedView | None], arm: Arm | None = None
    ) -> None:
        self._finder, self._view, self._arm = finder, view, arm_of(PICK) if arm is None else arm
        self.reset()

    def reset(self) -> None:
        """Start an episode."""
        self._known: Measured | None = None
        self._asks = True

    def __call__(self, observation: Observation) -> Float[np.ndarray, " 4"]:
        """X and y of the thing beside the TCP [m], and the turn to its grasp as `turn_told`.

        All are zeros while the thing is held, and the turn is where the thing is not long. Of what is
        dragged, the last two are its way as `way_told`, of which the closed hand has the rest before it.

        Raises:
            PolicyError: The state is missing.
            UncalibratedCameraError: The camera is not calibrated.
            UnknownObjectError: Nothing is called as the instruction says, and nothing was found before.
        """
        state, robot = observation.proprioception, self._arm.embodiment
        if state is None:
            raise PolicyError(
                "The observation has no robot state.",
                expected=f"the {robot.state_dim} numbers of the arm's state",
                remedy="fill `proprioception` of the Observation.",
            )
        tcp_m = state[list(robot.tcp_m)].astype(np.float64)
        if state[robot.grippers[0]] > HALF:  # a state begins with the commands
            self._asks = True
            if self._known is None or not self._arm.drags:
                return np.zeros(TOLD_DIMS)
            place_m, way_m = self._known
            return np.array([0.0, 0.0, *way_told(place_m[:2] + _or_none(way_m) - tcp_m)])
        place_m, along = self._look(observation)
        if self._arm.drags:
            return np.array([*(place_m[:2] - tcp_m), *way_told(_or_none(along))])
        turn = np.zeros(2)
        if along is not None:
            turn = turn_told(np.array(np.arctan2(along[1], along[0]) - state[YAW]))
        return np.array([*(place_m[:2] - tcp_m), *turn])

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


def _or_none(way_m: Float[np.ndarray, " 2"] | None) -> Float[np.ndarray, " 2"]:
    return np.zeros(2) if way_m is None else way_m


def named_place(arm: Arm, predictor: TracePredictor, view: Callable[[], CalibratedView | None]) -> NamedPlace:
    """The named place as a task needs it.

    Args:
        arm: The task, and what the robot's numbers mean.
        predictor: Of a world model that was trained with `named_images`.
        view: The front camera of a moment.
    """
    return NamedPlace(CarriedFarthest(predictor) if arm.drags else NamedFinder(predictor), view, arm)
