"""Where traces come from: one question, one answer, two roles.

    AbstractTraceSource   sees a moment, says where the points of gripper and target will go
    AbstractTargetFinder  sees a moment, says where points of the named thing are

Everything is in metres in the base frame. Step 0 of a future is now.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.records import Observation
from mu0.trace_policy.embodiment import ToolState
from mu0.trace_policy.view import CalibratedView


@dataclass(frozen=True)
class Moment:
    """What a source may look at.

    Attributes:
        observation: The picture and what is to be done.
        view: The camera.
        tool: The tool now.
        keypoint: Which keypoints of the embodiment can be seen.
        gripper_m: Where these are.
        holding: The policy has seen the thing come along, so it rides on the tool.
        seed: Of whatever is drawn.
    """

    observation: Observation
    view: CalibratedView
    tool: ToolState
    keypoint: Int[np.ndarray, " g"]
    gripper_m: Float[np.ndarray, "g 3"]
    holding: bool
    seed: int


@dataclass(frozen=True)
class Futures:
    """Sampled futures of points on the gripper and on the target; `valid` steps are a prefix."""

    gripper_m: Float[np.ndarray, "sample g step 3"]
    target_m: Float[np.ndarray, "sample t step 3"]
    valid: Bool[np.ndarray, "sample step"]


class AbstractTraceSource(ABC):
    """Says where gripper and target will go."""

    @abstractmethod
    def reset(self, seed: int) -> None:
        """Forget the last episode."""

    @abstractmethod
    def look(self, moment: Moment) -> Futures:
        """Futures from this moment on.

        Raises:
            UnknownObjectError: Nothing is called as the instruction says.
        """


class AbstractTargetFinder(ABC):
    """Says where the named thing is."""

    @abstractmethod
    def find(self, moment: Moment) -> Float[np.ndarray, "t 3"]:
        """At least three points of it, base frame [m].

        Raises:
            UnknownObjectError: Nothing is called as the instruction says.
        """
