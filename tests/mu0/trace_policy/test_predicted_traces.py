"""Any predictor serves: it is asked in uvz about gripper and target, and answered in metres."""

import numpy as np
import pytest

from mu0.interfaces import AbstractTracePredictor
from mu0.records import Observation, Queries, TraceSamples
from mu0.trace_policy.asking import make_moment
from mu0.trace_policy.predicted_traces import PredictedTraces
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import AbstractTargetFinder, Moment
from mu0.trace_policy.ur3 import ur3_embodiment
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.toy_world import CORNERS_M, TARGET_M, ToyWorld

UP_M = np.array([0.0, 0.0, 0.05])


class AllRise(AbstractTracePredictor):
    """Everything rises by 5 cm per step in the base frame; the third step is no longer the event."""

    name = "all_rise"

    def __init__(self, view: CalibratedView) -> None:
        self.view, self.asked = view, 0

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        self.asked = len(queries.anchor_uvz)
        now_m = self.view.base_m(queries.anchor_uvz.astype(np.float64))
        future = np.stack([self.view.uvz(now_m + step * UP_M) for step in (1, 2, 3)], axis=1)
        likely = np.broadcast_to([0.9, 0.8, 0.1], (n_samples, len(now_m), 3))
        return TraceSamples(np.repeat(future[None], n_samples, axis=0), likely)


class Pointer(AbstractTargetFinder):
    """Points at one place, once."""

    def __init__(self) -> None:
        self.n_found = 0

    def find(self, moment: Moment) -> np.ndarray:
        self.n_found += 1
        if "kettle" in moment.observation.instruction:
            raise UnknownObjectError("no kettle", expected="a cube", remedy="name the cube")
        return TARGET_M + CORNERS_M


def moment_of(world: ToyWorld, view: CalibratedView, *, holding: bool = False) -> Moment:
    return make_moment(world.observe(), view, world.tool(), ur3_embodiment(), holding=holding, seed=5)


def test_gripper_and_target_are_asked_together_and_come_back_in_metres(
    toy_world: ToyWorld, toy_view: CalibratedView
) -> None:
    predictor, moment = AllRise(toy_view), moment_of(toy_world, toy_view)
    futures = PredictedTraces(predictor, Pointer(), n_samples=3).look(moment)
    assert predictor.asked == len(moment.gripper_m) + len(CORNERS_M)
    assert futures.gripper_m.shape == (3, len(moment.gripper_m), 4, 3)
    np.testing.assert_allclose(futures.gripper_m[1, :, 0], moment.gripper_m, atol=1e-6)
    np.testing.assert_allclose(futures.target_m[2, :, 2], TARGET_M + CORNERS_M + 2 * UP_M, atol=1e-5)
    assert futures.valid[0].tolist() == [True, True, True, False]


def test_what_is_held_rides_on_the_tool_and_is_not_looked_for(
    toy_world: ToyWorld, toy_view: CalibratedView
) -> None:
    finder = Pointer()
    source = PredictedTraces(AllRise(toy_view), finder)
    toy_world.command[:3] = TARGET_M
    source.look(moment_of(toy_world, toy_view))
    toy_world.command[:3] += [0.02, 0.03, -0.04]
    futures = source.look(moment_of(toy_world, toy_view, holding=True))
    assert finder.n_found == 1
    shifted_m = TARGET_M + CORNERS_M + [0.02, 0.03, -0.04]
    np.testing.assert_allclose(futures.target_m[0, :, 0], shifted_m, atol=1e-6)
    source.reset(0)
    source.look(moment_of(toy_world, toy_view, holding=True))
    assert finder.n_found == 2


def test_what_is_held_but_was_seen_elsewhere_is_in_the_hand(
    toy_world: ToyWorld, toy_view: CalibratedView
) -> None:
    source = PredictedTraces(AllRise(toy_view), Pointer())
    toy_world.command[:3] = np.add(TARGET_M, [0.0, 0.2, 0.1])
    source.look(moment_of(toy_world, toy_view))
    futures = source.look(moment_of(toy_world, toy_view, holding=True))
    np.testing.assert_allclose(futures.target_m[0, :, 0].mean(axis=0), toy_world.command[:3], atol=1e-6)


def test_an_unknown_object_is_refused_by_name(toy_world: ToyWorld, toy_view: CalibratedView) -> None:
    moment = moment_of(toy_world, toy_view)
    named = Observation(moment.observation.image, "put the blue kettle into the box")
    asked = Moment(named, moment.view, moment.tool, moment.keypoint, moment.gripper_m, False, 0)
    with pytest.raises(UnknownObjectError, match="no kettle"):
        PredictedTraces(AllRise(toy_view), Pointer()).look(asked)
