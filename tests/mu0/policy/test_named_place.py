"""The named place: in hindsight from the hand, in action from the finder; asked once per grasp."""

import numpy as np
import pytest

from mu0.errors import PolicyError
from mu0.model.predictor import TracePredictor
from mu0.policy.arms import ARMS, arm_of
from mu0.policy.demonstrations import drags_in_hindsight, told_in_hindsight, turn_told
from mu0.policy.named_place import NamedPlace, named_place
from mu0.records import Observation
from mu0.trace_policy.carried_farthest import CarriedFarthest
from mu0.trace_policy.named_finder import Measured, NamedFinder
from mu0.trace_policy.refusals import UncalibratedCameraError, UnknownObjectError
from mu0.trace_policy.view import CalibratedView

VIEW = CalibratedView(np.eye(4), np.eye(3), 8, 8)


class CountingFinder(NamedFinder):
    """Says another place every time it is asked; finds nothing from the `blind_after`th time on."""

    def __init__(self, along: np.ndarray | None = None, blind_after: int = 99) -> None:
        self.n_asked, self._along, self._blind_after = 0, along, blind_after

    def measure(self, observation: Observation, view: CalibratedView) -> Measured:
        self.n_asked += 1
        if self.n_asked > self._blind_after:
            raise UnknownObjectError("Nothing is called so.", expected="a thing", remedy="look again.")
        return np.array([0.3, 0.1 * self.n_asked, 0.02]), self._along


def state_of(x_m: float, y_m: float, closed: float, yaw_rad: float = 0.0) -> np.ndarray:
    return np.array([x_m, y_m, 0.2, yaw_rad, closed, closed, x_m, y_m, 0.2], np.float32)


def moment(x_m: float, y_m: float, closed: float, yaw_rad: float = 0.0) -> Observation:
    image = np.zeros((8, 8, 3), np.uint8)
    state = state_of(x_m, y_m, closed, yaw_rad)
    return Observation(image, "pick the red can", proprioception=state)


def test_in_hindsight_the_thing_is_where_the_hand_closes_then_in_it_then_where_it_opened() -> None:
    x_m = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    state = np.stack([state_of(x, 0.0, 0.0) for x in x_m])
    action = np.zeros((6, 5), np.float32)
    action[2:4, 4] = 1.0  # closed in frames 2 and 3
    place = told_in_hindsight(state, action)
    np.testing.assert_allclose(place[:, 0], [0.2, 0.1, 0.0, 0.0, -0.1, -0.2], atol=1e-6)
    np.testing.assert_array_equal(place[:, 1], 0)


@pytest.mark.parametrize("other_way", [0.0, np.pi])
def test_in_hindsight_the_turn_is_that_of_the_grasp_and_half_a_turn_is_none(other_way: float) -> None:
    yaw_rad = [0.1, 0.3, 0.5 + other_way, 0.9]
    state = np.stack([state_of(0, 0, 0, yaw) for yaw in yaw_rad])
    action = np.zeros((4, 5), np.float32)
    action[2, 4] = 1.0
    turns = told_in_hindsight(state, action)[:, 2:]
    np.testing.assert_allclose(turns[:2], turn_told(np.array([0.4, 0.2])), atol=1e-6)
    np.testing.assert_array_equal(turns[2:], 0)


@pytest.mark.parametrize("seen_from", [1.0, -1.0])
def test_of_a_long_thing_it_tells_what_a_demonstration_would_have_told(seen_from: float) -> None:
    """Fingers that open along the tool's y close across a thing that lies along its x."""
    yaw_rad, lies_rad = 0.2, 0.7
    along = seen_from * np.array([np.cos(lies_rad), np.sin(lies_rad)])
    told = NamedPlace(CountingFinder(along), lambda: VIEW)(moment(0.2, 0.0, 0.0, yaw_rad))
    state = np.stack([state_of(0.2, 0, 0, yaw_rad), state_of(0.3, 0.1, 0, lies_rad)])
    action = np.zeros((2, 5), np.float32)
    action[1, 4] = 1.0
    np.testing.assert_allclose(told, told_in_hindsight(state, action)[0], atol=1e-6)


def test_a_hand_that_never_closes_has_it_where_it_ends() -> None:
    state = np.stack([state_of(0.1 * k, 0.0, 0.0) for k in range(3)])
    np.testing.assert_allclose(
        told_in_hindsight(state, np.zeros((3, 5), np.float32))[:, 0], [0.2, 0.1, 0], atol=1e-6
    )


def test_in_hindsight_of_several_grasps_the_first_is_told_and_then_where_the_hand_let_go() -> None:
    state = np.stack([state_of(0.1 * k, 0.0, 0.0) for k in range(7)])
    action = np.zeros((7, 5), np.float32)
    action[[1, 2, 5], 4] = 1.0
    place = told_in_hindsight(state, action)
    np.testing.assert_allclose(place[:, 0], [0.1, 0, 0, -0.1, -0.2, 0, -0.1], atol=1e-6)
    np.testing.assert_array_equal(place[1:, 2:], 0)


def test_in_hindsight_a_tilting_hand_tells_the_same() -> None:
    state = np.stack([state_of(0.1 * k, 0.05, 0.0, 0.2 * k) for k in range(4)])
    action = np.zeros((4, 5), np.float32)
    action[2, 4] = 1.0
    tilted = [np.insert(rows, 4, 0.7, axis=1) for rows in (state, action)]
    np.testing.assert_array_equal(
        told_in_hindsight(*tilted, ARMS["pour"]), told_in_hindsight(state, action, ARMS["pick"])
    )


def test_it_asks_once_and_tells_the_place_beside_the_hand() -> None:
    finder = CountingFinder()
    place = NamedPlace(finder, lambda: VIEW)
    np.testing.assert_allclose(place(moment(0.2, 0.0, 0.0)), [0.1, 0.1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(place(moment(0.3, 0.05, 0.0)), [0.0, 0.05, 0, 0], atol=1e-6)
    assert finder.n_asked == 1


def test_what_is_held_is_in_the_hand_and_an_opened_hand_asks_again() -> None:
    finder = CountingFinder()
    place = NamedPlace(finder, lambda: VIEW)
    place(moment(0.2, 0.0, 0.0))
    np.testing.assert_array_equal(place(moment(0.25, 0.0, 1.0)), [0, 0, 0, 0])
    np.testing.assert_allclose(place(moment(0.3, 0.2, 0.0)), [0, 0, 0, 0], atol=1e-6)
    assert finder.n_asked == 2


def test_where_an_opened_hand_hides_the_thing_the_last_place_counts_and_it_asks_on() -> None:
    finder = CountingFinder(blind_after=1)
    place = NamedPlace(finder, lambda: VIEW)
    place(moment(0.2, 0.0, 0.0))
    place(moment(0.3, 0.1, 1.0))
    for n_asked in (2, 3):
        np.testing.assert_allclose(place(moment(0.2, 0.0, 0.0)), [0.1, 0.1, 0, 0], atol=1e-6)
        assert finder.n_asked == n_asked


def test_in_hindsight_of_every_drag_its_start_and_its_way_are_told() -> None:
    state = np.stack([state_of(0.1 * k, 0.0, 0.0) for k in range(8)])
    action = np.zeros((8, 5), np.float32)
    action[[1, 2, 3, 5, 6], 4] = 1.0
    told = drags_in_hindsight(state, action)
    np.testing.assert_allclose(told[:, 0], [0.1, 0, 0, 0, 0.1, 0, 0, -0.1], atol=1e-6)
    np.testing.assert_allclose(told[:, 2], [2, 2, 1, 0, 1, 1, 0, 0], atol=1e-5)
    np.testing.assert_array_equal(told[:, [1, 3]], 0)
    never = drags_in_hindsight(state, np.zeros((8, 5), np.float32))
    np.testing.assert_allclose(never[:, 0], 0.7 - 0.1 * np.arange(8), atol=1e-6)


def test_of_what_is_dragged_the_rest_of_the_way_is_told_and_the_next_drag_is_asked_for() -> None:
    finder = CountingFinder(np.array([0.1, -0.05]))
    place = NamedPlace(finder, lambda: VIEW, arm_of("towel"))
    np.testing.assert_allclose(place(moment(0.2, 0.0, 0.0)), [0.1, 0.1, 1.0, -0.5], atol=1e-6)
    np.testing.assert_allclose(place(moment(0.3, 0.1, 1.0)), [0, 0, 1.0, -0.5], atol=1e-6)
    np.testing.assert_allclose(place(moment(0.35, 0.1, 1.0)), [0, 0, 0.5, -0.5], atol=1e-6)
    np.testing.assert_allclose(place(moment(0.4, 0.05, 0.0)), [-0.1, 0.15, 1.0, -0.5], atol=1e-6)
    assert finder.n_asked == 2


@pytest.mark.parametrize(("task", "finder"), [("pick", NamedFinder), ("towel", CarriedFarthest)])
def test_a_task_chooses_its_finder(task: str, finder: type[NamedFinder]) -> None:
    place = named_place(arm_of(task), object.__new__(TracePredictor), lambda: VIEW)
    assert type(place._finder) is finder


def test_what_was_never_found_is_refused() -> None:
    with pytest.raises(UnknownObjectError):
        NamedPlace(CountingFinder(blind_after=0), lambda: VIEW)(moment(0.2, 0.0, 0.0))


def test_an_episode_forgets_the_last_one() -> None:
    finder = CountingFinder()
    place = NamedPlace(finder, lambda: VIEW)
    place(moment(0.2, 0.0, 0.0))
    place.reset()
    place(moment(0.2, 0.0, 0.0))
    assert finder.n_asked == 2


def test_without_calibration_it_refuses_before_it_asks() -> None:
    finder = CountingFinder()
    with pytest.raises(UncalibratedCameraError, match="not calibrated"):
        NamedPlace(finder, lambda: None)(moment(0.2, 0.0, 0.0))
    assert finder.n_asked == 0


def test_without_a_state_it_refuses() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(PolicyError, match="no robot state"):
        NamedPlace(CountingFinder(), lambda: VIEW)(Observation(image, "pick"))
