"""What is expected to move is found, to less than the grid's spacing; nothing else is."""

import numpy as np
import pytest

from mu0.interfaces import AbstractTracePredictor
from mu0.records import Observation, Queries, TraceSamples
from mu0.trace_policy.asking import make_moment
from mu0.trace_policy.moving_thing import MovingThing, TableGrid
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import Moment
from mu0.trace_policy.ur3 import ur3_embodiment
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.toy_world import TARGET_M, ToyWorld

GRID = TableGrid(np.array([[0.16, 0.45], [-0.26, 0.13]]))


class OneThingMoves(AbstractTracePredictor):
    """What lies within 3 cm of the target rises by 20 cm, everything else stays."""

    name = "one_thing_moves"

    def __init__(self, view: CalibratedView, place_m: np.ndarray, *, tells: bool) -> None:
        self.view, self.place_m, self.tells, self.most_asked = view, place_m, tells, 0

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        self.most_asked = max(self.most_asked, len(queries.anchor_uvz))
        now_m = self.view.base_m(queries.anchor_uvz.astype(np.float64))
        on_it = np.linalg.norm(now_m[:, :2] - self.place_m[:2], axis=1) < 0.03
        future_m = now_m + on_it[:, None] * np.array([0.0, 0.0, 0.2])
        uvz = np.repeat(self.view.uvz(future_m)[None, :, None], 4, axis=2)
        likely = np.ones(uvz.shape[:3])
        return TraceSamples(uvz, likely, np.where(on_it, 0.9, 0.1) if self.tells else None)


@pytest.fixture
def moment(toy_world: ToyWorld, toy_view: CalibratedView) -> Moment:
    return make_moment(
        toy_world.observe(), toy_view, toy_world.tool(), ur3_embodiment(), holding=False, seed=0
    )


@pytest.mark.parametrize("tells", [True, False])
def test_the_place_is_found_to_a_centimetre(moment: Moment, toy_view: CalibratedView, *, tells: bool) -> None:
    predictor = OneThingMoves(toy_view, TARGET_M, tells=tells)
    points_m = MovingThing(predictor, GRID).find(moment)
    np.testing.assert_allclose(points_m[0, :2], TARGET_M[:2], atol=0.01)
    assert len(points_m) >= 3
    assert predictor.most_asked <= GRID.group


@pytest.mark.parametrize("tells", [True, False])
def test_a_table_at_rest_holds_nothing_of_that_name(
    moment: Moment, toy_view: CalibratedView, *, tells: bool
) -> None:
    predictor = OneThingMoves(toy_view, TARGET_M + 9.0, tells=tells)
    with pytest.raises(UnknownObjectError, match="put the red cube into the box"):
        MovingThing(predictor, GRID).find(moment)


def test_the_hand_itself_is_not_what_moves(moment: Moment, toy_view: CalibratedView) -> None:
    under_the_hand = TableGrid(GRID.area_m, hand_uv=9.0)
    with pytest.raises(UnknownObjectError):
        MovingThing(OneThingMoves(toy_view, TARGET_M, tells=True), under_the_hand).find(moment)
