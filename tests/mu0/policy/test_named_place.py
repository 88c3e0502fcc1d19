"""The named place: in hindsight from the hand, in action from the finder; asked once per grasp."""

import numpy as np
import pytest
from jaxtyping import Float

from mu0.errors import PolicyError
from mu0.policy.demonstrations import named_places
from mu0.policy.named_place import NamedPlace
from mu0.records import Observation
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.refusals import UncalibratedCameraError
from mu0.trace_policy.view import CalibratedView

VIEW = CalibratedView(np.eye(4), np.eye(3), 8, 8)


class CountingFinder(NamedFinder):
    """Says another place every time it is asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    def place_m(self, observation: Observation, view: CalibratedView) -> Float[np.ndarray, " 3"]:
        self.n_asked += 1
        return np.array([0.3, 0.1 * self.n_asked, 0.02])


def state_of(x_m: float, y_m: float, closed: float) -> np.ndarray:
    return np.array([x_m, y_m, 0.2, 0.0, closed, closed, x_m, y_m, 0.2], np.float32)


def moment(x_m: float, y_m: float, closed: float) -> Observation:
    image = np.zeros((8, 8, 3), np.uint8)
    return Observation(image, "pick the red can", proprioception=state_of(x_m, y_m, closed))


def test_in_hindsight_the_thing_is_where_the_hand_closes_then_in_it_then_where_it_opened() -> None:
    x_m = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    state = np.stack([state_of(x, 0.0, 0.0) for x in x_m])
    action = np.zeros((6, 5), np.float32)
    action[2:4, 4] = 1.0  # closed in frames 2 and 3
    place = named_places(state, action)
    np.testing.assert_allclose(place[:, 0], [0.2, 0.1, 0.0, 0.0, -0.1, -0.2], atol=1e-6)
    np.testing.assert_array_equal(place[:, 1], 0)


def test_a_hand_that_never_closes_has_it_where_it_ends() -> None:
    state = np.stack([state_of(0.1 * k, 0.0, 0.0) for k in range(3)])
    np.testing.assert_allclose(
        named_places(state, np.zeros((3, 5), np.float32))[:, 0], [0.2, 0.1, 0], atol=1e-6
    )


def test_it_asks_once_and_tells_the_place_beside_the_hand() -> None:
    finder = CountingFinder()
    place = NamedPlace(finder, lambda: VIEW)
    np.testing.assert_allclose(place(moment(0.2, 0.0, 0.0)), [0.1, 0.1], atol=1e-6)
    np.testing.assert_allclose(place(moment(0.3, 0.05, 0.0)), [0.0, 0.05], atol=1e-6)
    assert finder.n_asked == 1


def test_what_is_held_is_in_the_hand_and_an_opened_hand_asks_again() -> None:
    finder = CountingFinder()
    place = NamedPlace(finder, lambda: VIEW)
    place(moment(0.2, 0.0, 0.0))
    np.testing.assert_array_equal(place(moment(0.25, 0.0, 1.0)), [0, 0])
    np.testing.assert_allclose(place(moment(0.3, 0.2, 0.0)), [0.0, 0.0], atol=1e-6)
    assert finder.n_asked == 2


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
