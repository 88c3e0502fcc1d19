"""The named thing in metres: a box on a table to millimetres by depth; what is not found is refused."""

from dataclasses import replace

import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.model.grounding import Grounding
from mu0.model.predictor import TracePredictor
from mu0.records import Observation
from mu0.trace_policy import named_finder
from mu0.trace_policy.lying import yaw_across
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.cast_box import SIDE_PX, depth_of, found_in, moment_of, with_finer_pixels
from tests.mu0.trace_policy.toy_world import ToyWorld

HALF_M = 0.03


@pytest.fixture
def view(toy_view: CalibratedView) -> CalibratedView:
    return with_finer_pixels(toy_view)


def finder(monkeypatch: pytest.MonkeyPatch, found: Grounding) -> NamedFinder:
    monkeypatch.setattr(named_finder, "ground", lambda *_: found)
    return NamedFinder(object.__new__(TracePredictor))


@pytest.mark.parametrize("foot_m", [0.0, 0.15])
def test_a_box_is_found_to_millimetres_whether_it_stands_or_hangs(
    toy_world: ToyWorld, view: CalibratedView, monkeypatch: pytest.MonkeyPatch, foot_m: float
) -> None:
    middle = np.array([0.3, -0.05, foot_m + HALF_M])
    depth_m, hits = depth_of(view, middle - HALF_M, middle + HALF_M)
    points_m = finder(monkeypatch, found_in(hits)).find(moment_of(toy_world, view, depth_m))
    np.testing.assert_allclose(points_m[0], middle, atol=0.007)
    assert len(points_m) >= 3


@pytest.mark.parametrize(("half_m", "yaw_rad"), [((0.06, 0.015), 0.0), ((0.015, 0.06), np.pi / 2)])
def test_the_middle_of_a_long_box_is_found_and_how_it_lies(
    toy_world: ToyWorld,
    view: CalibratedView,
    monkeypatch: pytest.MonkeyPatch,
    half_m: tuple[float, float],
    yaw_rad: float,
) -> None:
    middle, half = np.array([0.3, -0.05, 0.015]), np.array([*half_m, 0.015])
    depth_m, hits = depth_of(view, middle - half, middle + half)
    points_m = finder(monkeypatch, found_in(hits)).find(moment_of(toy_world, view, depth_m))
    np.testing.assert_allclose(points_m[0], middle, atol=0.008)
    yaw = yaw_across(points_m, yaw_rad)
    assert yaw is not None
    assert abs(yaw - yaw_rad) < 0.1


def test_a_short_box_is_not_taken_to_be_long(
    toy_world: ToyWorld, view: CalibratedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = np.array([0.3, -0.05, HALF_M])
    depth_m, hits = depth_of(view, middle - HALF_M, middle + HALF_M)
    points_m = finder(monkeypatch, found_in(hits)).find(moment_of(toy_world, view, depth_m))
    assert yaw_across(points_m, 0.0) is None


def test_without_depth_it_is_taken_to_be_three_centimetres_above_the_table(
    toy_world: ToyWorld, view: CalibratedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = np.array([0.3, -0.05, HALF_M])
    _, hits = depth_of(view, middle - 0.005, middle + 0.005)
    for depth_m in (None, np.zeros((SIDE_PX, SIDE_PX))):
        points_m = finder(monkeypatch, found_in(hits)).find(moment_of(toy_world, view, depth_m))
        np.testing.assert_allclose(points_m[0], middle, atol=0.004)


def test_what_the_model_does_not_find_is_unknown(
    toy_world: ToyWorld, view: CalibratedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_predictor: TracePredictor, _observation: Observation) -> Grounding:
        raise PredictionError("Nothing is called so.", expected="a thing", remedy="name another")

    monkeypatch.setattr(named_finder, "ground", nothing)
    with pytest.raises(UnknownObjectError, match=r"(?s)Nothing is called so.*name another"):
        NamedFinder(object.__new__(TracePredictor)).find(moment_of(toy_world, view, None))


def test_a_place_above_the_horizon_is_refused(
    toy_world: ToyWorld, view: CalibratedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    sky = np.zeros((SIDE_PX, SIDE_PX), bool)
    sky[:4, 100:108] = True
    tilted = replace(view, camera_from_base=view.camera_from_base.copy())
    tilted.camera_from_base[:3] = np.array([[0, 1, 0, 0], [0, 0, -1, 0.5], [-1, 0, 0, 0.9]])  # looks level
    with pytest.raises(UnknownObjectError, match="above the table's horizon"):
        finder(monkeypatch, found_in(sky)).find(moment_of(toy_world, tilted, None))
