"""What nobody touched is where it was, unless the finder insists; a closed hand is told what is seen."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from mu0.records import Observation
from mu0.trace_policy.embodiment import ToolState, top_down_pose
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, Moment
from mu0.trace_policy.steady_finder import SteadyFinder
from mu0.trace_policy.view import CalibratedView

COMMAND = np.array([0.3, 0.0, 0.2, 0.0])
OPEN = ToolState(top_down_pose(COMMAND), COMMAND, closed=0.0, closing=False)
CLOSED = replace(OPEN, closed=0.6, closing=True)
HERE, NEAR, THERE, ABOVE = (0.3, 0.1, 0.02), (0.32, 0.1, 0.02), (0.1, -0.1, 0.02), (0.3, 0.1, 0.12)


class Says(AbstractTargetFinder):
    """One place after another; None is nothing."""

    def __init__(self, places_m: Sequence[tuple[float, ...] | None]) -> None:
        self.left = list(places_m)

    def find(self, moment: Moment) -> np.ndarray:
        place_m = self.left.pop(0)
        if place_m is None:
            raise UnknownObjectError("nothing", expected="a can", remedy="name it")
        return np.tile(place_m, (3, 1))


def answers(*places_m: tuple[float, ...] | None, tool: ToolState = OPEN) -> list[tuple[float, ...]]:
    observation = Observation(np.zeros((8, 8, 3), np.uint8), "the can")
    view = CalibratedView(np.eye(4), np.eye(3), 8, 8)
    moment = Moment(observation, view, tool, np.arange(3), np.zeros((3, 3)), False, 0)
    finder = SteadyFinder(Says(places_m))
    return [tuple(finder.find(moment)[0].tolist()) for _ in places_m]


def test_a_place_nearby_is_a_better_look_at_the_same_thing() -> None:
    assert answers(HERE, NEAR) == [HERE, NEAR]


def test_one_jump_is_not_believed_and_two_to_the_same_place_are() -> None:
    assert answers(HERE, THERE, HERE, THERE, HERE) == [HERE] * 5
    assert answers(HERE, THERE, THERE, THERE) == [HERE, HERE, THERE, THERE]


def test_what_is_higher_than_the_thing_was_is_never_believed() -> None:
    assert answers(HERE, ABOVE, ABOVE, ABOVE) == [HERE] * 4


def test_nothing_found_is_the_last_place_and_without_one_a_refusal() -> None:
    assert answers(HERE, None) == [HERE, HERE]
    with pytest.raises(UnknownObjectError):
        answers(None)


def test_a_closed_hand_is_told_what_is_seen() -> None:
    assert answers(HERE, ABOVE, THERE, tool=CLOSED) == [HERE, ABOVE, THERE]
