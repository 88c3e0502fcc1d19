"""Who acts in a rollout, step by step."""

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float

from mu0.records import Observation


class AbstractExecutor(ABC):
    """Acts in one environment.

    Attributes:
        n_plans: How often it has planned, or asked, in this episode.
    """

    n_plans: int = 0

    @property
    @abstractmethod
    def looks_next(self) -> bool:
        """Whether the next action needs a new picture; the robot's state it always needs."""

    @abstractmethod
    def reset(self, seed: int) -> None:
        """Start an episode."""

    @abstractmethod
    def act(self, observation: Observation) -> Float[np.ndarray, " action"]:
        """The action for this moment.

        Raises:
            PolicyError: It refuses; nothing was commanded.
        """

    def shown(self, observation: Observation) -> Observation:
        """The observation as a video should show it: as it is, unless an executor has more to show."""
        return observation
