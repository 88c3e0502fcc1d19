"""A finder that does not jump: a thing that nobody has touched is where it was.

Finders are surest while the hand is far away; beside it they take parts of the arm for the thing now and
then. So a place is kept until the finder says the same other place twice, on the table as the first one.
While the hand is closed, whoever asks wants to know whether the thing came along, and is told what is seen.
"""

import numpy as np
from jaxtyping import Float

from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, Moment

SAME_M = 0.05  # across; answers so near are about the same place
HIGHER_M = 0.03  # than before: then it is no thing on the table


class SteadyFinder(AbstractTargetFinder):
    """Remembers what another finder has said in this episode."""

    def __init__(self, finder: AbstractTargetFinder) -> None:
        self._finder = finder
        self.reset()

    def reset(self) -> None:
        """Start an episode."""
        self._kept_m: Float[np.ndarray, "t 3"] | None = None
        self._elsewhere_m: Float[np.ndarray, "t 3"] | None = None

    def find(self, moment: Moment) -> Float[np.ndarray, "t 3"]:
        """Points of the thing.

        Raises:
            UnknownObjectError: Nothing is called so, and nothing was found before.
        """
        if moment.tool.closing:
            return self._finder.find(moment)
        try:
            found_m = self._finder.find(moment)
        except UnknownObjectError:
            if self._kept_m is None:
                raise
            return self._kept_m
        if self._kept_m is None or _is_same(found_m, self._kept_m):
            self._kept_m, self._elsewhere_m = found_m, None
        elif _height_m(found_m) < _height_m(self._kept_m) + HIGHER_M:
            if self._elsewhere_m is not None and _is_same(found_m, self._elsewhere_m):
                self._kept_m, self._elsewhere_m = found_m, None
            else:
                self._elsewhere_m = found_m
        return self._kept_m


def _is_same(first_m: Float[np.ndarray, "t 3"], second_m: Float[np.ndarray, "t 3"]) -> bool:
    apart_m = first_m.mean(axis=0) - second_m.mean(axis=0)
    return bool(np.linalg.norm(apart_m[:2]) < SAME_M and abs(apart_m[2]) < HIGHER_M)


def _height_m(points_m: Float[np.ndarray, "t 3"]) -> float:
    return float(points_m[:, 2].mean())
