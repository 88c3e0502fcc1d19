"""How far an episode of a task came, and why no further.

    reached   the TCP was within 4 cm of the place where the target is taken
    grasped   the target was held while the hand was closed
    lifted    it rose
    success   the task's own

The first that did not happen is the reason of a failure; behind the third the task says why. Which place
that is, what counts as held and as risen say `pick_milestones`, `pour.milestones` and `towel.milestones`.
"""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float

from mu0.envs.ur3.arm_world import ArmWorld

World = TypeVar("World", bound=ArmWorld)
REACHED_M = 0.04
CLOSED = 0.5


class AbstractMilestones(ABC, Generic[World]):
    """Watches an episode from its first moment on, step by step.

    Attributes:
        kind: Of the target, for tables.
        n_things: Things on the table that could be meant.
        closest_m: Smallest distance from the TCP to the target so far.
        aim_error_m: Across, from the TCP to the target when the hand first closed; NaN if it never did.
    """

    kind: str
    n_things: int = 1

    def __init__(self, world: World) -> None:
        self._world = world
        self.reached = self.grasped = self.lifted = False
        self.closest_m, self.aim_error_m = float(np.linalg.norm(self._away_m())), float("nan")

    def before(self, action: Float[np.ndarray, " action"]) -> None:
        """Note what is about to be done."""
        if np.isnan(self.aim_error_m) and action[-1] > CLOSED:
            self.aim_error_m = float(np.linalg.norm(self._away_m()[:2]))

    def after(self, action: Float[np.ndarray, " action"]) -> None:
        """Note what came of it."""
        self.closest_m = min(self.closest_m, float(np.linalg.norm(self._away_m())))
        self.reached = self.reached or self.closest_m < REACHED_M
        self.grasped = self.grasped or (bool(action[-1] > CLOSED) and self._is_held())
        self.lifted = self.lifted or self._is_lifted()

    def why_not(self) -> str:
        """The first thing that has not happened; empty after a success."""
        if self._world.is_success():
            return ""
        if not self.reached:
            return "never came to the target"
        if not self.grasped:
            return "closed beside the target"
        if not self.lifted:
            return "slipped out before it was lifted"
        return self._why_not_done()

    @abstractmethod
    def _target_m(self, tcp_m: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
        """Where the target is taken, base frame; of several such places the nearest to the TCP."""

    @abstractmethod
    def _is_held(self) -> bool:
        """Whether a closed hand has the target in it."""

    @abstractmethod
    def _is_lifted(self) -> bool:
        """Whether the target is, or was, well above where it lay."""

    @abstractmethod
    def _why_not_done(self) -> str:
        """Why an episode failed whose target was lifted."""

    def _away_m(self) -> Float[np.ndarray, " 3"]:
        tcp_m = self._world.state()[-3:]
        return self._target_m(tcp_m) - tcp_m
