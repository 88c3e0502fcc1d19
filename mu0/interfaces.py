"""The three contracts. Every method and baseline is one of them; evaluation cannot tell them apart."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from jaxtyping import Float

from mu0.records import ActionChunk, Observation, Queries, TraceSamples


class AbstractTracePredictor(ABC):
    """Looks at one moment and says where the query keypoints will go."""

    name: str

    @abstractmethod
    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        """Sample `n_samples` futures; equal seeds give equal samples."""


class AbstractPolicy(ABC):
    """Looks at one moment and says what to do next."""

    @abstractmethod
    def reset(self, seed: int) -> None:
        """Forget the last episode; a policy that draws noise draws it from `seed`."""

    @abstractmethod
    def predict_action_chunk(self, observation: Observation) -> ActionChunk:
        """The next actions."""


class AbstractEnvironment(ABC):
    """A world that seeds really seed (gymnasium's reset/step without its registration)."""

    @abstractmethod
    def reset(self, seed: int) -> Observation:
        """Start the episode that belongs to `seed`."""

    @abstractmethod
    def step(self, action: Float[np.ndarray, " action"]) -> tuple[Observation, dict[str, Any]]:
        """Act for one control step; info holds at least `success` (bool)."""

    @abstractmethod
    def is_success(self) -> bool:
        """Whether the task is done now."""

    @abstractmethod
    def close(self) -> None:
        """Free the renderer."""
