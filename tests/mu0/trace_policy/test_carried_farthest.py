"""Where a soft thing is taken: at the end that goes farthest, told by whoever foresees that."""

import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries, TraceSamples
from mu0.trace_policy import named_finder
from mu0.trace_policy.carried_farthest import GROUP, CarriedFarthest
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.cast_box import depth_of, found_in, moment_of, with_finer_pixels
from tests.mu0.trace_policy.toy_world import ToyWorld

MIDDLE_M, HALF_M = np.array([0.3, -0.05, 0.01]), np.array([0.06, 0.08, 0.01])
N_STEPS = 6


class Unfolding(TracePredictor):
    """Turns a sheet over at its edge of smallest x or y: points go twice as far as they lie from it."""

    def __init__(self, view: CalibratedView, axis: int, *, knows_steps: bool = True) -> None:
        self._view, self._axis, self._knows_steps = view, axis, knows_steps
        self.n_asked: list[int] = []

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        self.n_asked.append(len(queries.anchor_uvz))
        start_m = self._view.base_m(queries.anchor_uvz.astype(np.float64))
        way_m = np.zeros_like(start_m)
        way_m[:, self._axis] = -2 * (start_m - MIDDLE_M + HALF_M)[:, self._axis]
        share = np.linspace(0, 1, N_STEPS + 1)[1:, None]
        uvz = self._view.uvz(start_m[:, None] + share * way_m[:, None]).astype(np.float32)
        likely = np.full((n_samples, len(uvz), N_STEPS), float(self._knows_steps), np.float32)
        return TraceSamples(np.repeat(uvz[None], n_samples, axis=0), likely)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_folded_sheet_is_taken_at_the_end_that_goes_farthest(
    toy_world: ToyWorld, toy_view: CalibratedView, monkeypatch: pytest.MonkeyPatch, axis: int
) -> None:
    view = with_finer_pixels(toy_view)
    depth_m, hits = depth_of(view, MIDDLE_M - HALF_M, MIDDLE_M + HALF_M)
    monkeypatch.setattr(named_finder, "ground", lambda *_: found_in(hits))
    predictor = Unfolding(view, axis)
    seen = moment_of(toy_world, view, depth_m)
    place_m, way_m = CarriedFarthest(predictor).measure(seen.observation, view)
    end_m = MIDDLE_M + HALF_M * np.eye(3)[axis]
    np.testing.assert_allclose(way_m, -2 * (place_m - MIDDLE_M + HALF_M)[:2] * np.eye(2)[axis], atol=0.003)
    assert abs(place_m - end_m)[axis] < 0.025
    assert abs(place_m - end_m)[1 - axis] < 0.025
    assert max(predictor.n_asked) <= GROUP


def test_steps_that_are_no_part_of_the_event_do_not_count(
    toy_world: ToyWorld, toy_view: CalibratedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = with_finer_pixels(toy_view)
    depth_m, hits = depth_of(view, MIDDLE_M - HALF_M, MIDDLE_M + HALF_M)
    monkeypatch.setattr(named_finder, "ground", lambda *_: found_in(hits))
    finder = CarriedFarthest(Unfolding(view, 0, knows_steps=False))
    place_m, way_m = finder.measure(moment_of(toy_world, view, depth_m).observation, view)
    np.testing.assert_allclose(place_m[:2], MIDDLE_M[:2], atol=0.02)
    np.testing.assert_array_equal(way_m, 0)


def test_without_depth_it_is_the_middle_and_nothing_is_foreseen(
    toy_world: ToyWorld, toy_view: CalibratedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = with_finer_pixels(toy_view)
    _, hits = depth_of(view, MIDDLE_M - HALF_M, MIDDLE_M + HALF_M)
    monkeypatch.setattr(named_finder, "ground", lambda *_: found_in(hits))
    predictor = Unfolding(view, 0)
    place_m, way_m = CarriedFarthest(predictor).measure(moment_of(toy_world, view, None).observation, view)
    np.testing.assert_allclose(place_m[:2], MIDDLE_M[:2], atol=0.03)
    assert way_m is None
    assert predictor.n_asked == []


def test_what_is_not_found_by_its_name_is_what_lies_there_and_nothing_is_refused(
    toy_world: ToyWorld, toy_view: CalibratedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object) -> None:
        raise PredictionError("Nothing is called so.", expected="a thing", remedy="name another")

    view = with_finer_pixels(toy_view)
    depth_m, _ = depth_of(view, MIDDLE_M - HALF_M, MIDDLE_M + HALF_M)
    monkeypatch.setattr(named_finder, "ground", nothing)
    finder = CarriedFarthest(Unfolding(view, 1))
    place_m, _ = finder.measure(moment_of(toy_world, view, depth_m).observation, view)
    assert abs(place_m - MIDDLE_M - HALF_M * np.eye(3)[1])[:2].max() < 0.025
    bare_m, _ = depth_of(view, np.full(3, 5.0), np.full(3, 5.1))
    for seen_m in (bare_m, None):
        with pytest.raises(UnknownObjectError, match="Nothing is called so"):
            finder.measure(moment_of(toy_world, view, seen_m).observation, view)
