"""The named thing in metres: a box on a table to millimetres by depth; what is not found is refused."""

from dataclasses import replace

import numpy as np
import pytest

from mu0.errors import PredictionError
from mu0.geometry.rigid import apply, invert
from mu0.model.grounding import Grounding
from mu0.model.predictor import TracePredictor
from mu0.records import Observation
from mu0.trace_policy import named_finder
from mu0.trace_policy.asking import make_moment
from mu0.trace_policy.lying import yaw_across
from mu0.trace_policy.named_finder import NamedFinder
from mu0.trace_policy.refusals import UnknownObjectError
from mu0.trace_policy.sources import Moment
from mu0.trace_policy.ur3 import ur3_embodiment
from mu0.trace_policy.view import CalibratedView
from tests.mu0.trace_policy.toy_world import ToyWorld

SIDE_PX, HALF_M, SIDE_CELLS = 256, 0.03, 64


@pytest.fixture
def view(toy_view: CalibratedView) -> CalibratedView:
    """The same camera with finer pixels."""
    intrinsics = toy_view.intrinsics * (SIDE_PX / toy_view.width_px)
    intrinsics[2, 2] = 1.0
    return replace(toy_view, intrinsics=intrinsics, height_px=SIDE_PX, width_px=SIDE_PX)


def depth_of(view: CalibratedView, low_m: np.ndarray, high_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rays cast at a table at height 0 and a box: depth, and which pixels show the box."""
    column, row = np.meshgrid(np.arange(SIDE_PX), np.arange(SIDE_PX))
    focal, centre = view.intrinsics[[0, 1], [0, 1]], view.intrinsics[:2, 2]
    rays = np.stack(
        [(column - centre[0]) / focal[0], (row - centre[1]) / focal[1], np.ones((SIDE_PX, SIDE_PX))], axis=-1
    )
    towards = apply(invert(view.camera_from_base), rays.reshape(-1, 3)) - view.eye_m
    with np.errstate(divide="ignore"):
        table = np.where(towards[:, 2] < 0, -view.eye_m[2] / towards[:, 2], 9.0)
        sides = np.stack([(low_m - view.eye_m) / towards, (high_m - view.eye_m) / towards])
    enters, leaves = sides.min(0).max(1), sides.max(0).min(1)
    hits = (enters < leaves) & (enters > 0)
    return np.where(hits, enters, table).reshape(SIDE_PX, SIDE_PX), hits.reshape(SIDE_PX, SIDE_PX)


def found_in(hits: np.ndarray) -> Grounding:
    """What a perfect map says."""
    cell = SIDE_PX // SIDE_CELLS
    heat = hits.reshape(SIDE_CELLS, cell, SIDE_CELLS, cell).mean((1, 3))
    row, column = np.nonzero(hits)
    return Grounding(heat, np.array([column.mean(), row.mean()]), np.zeros((1, 2)), None, float(heat.max()))


def moment_of(world: ToyWorld, view: CalibratedView, depth_m: np.ndarray | None) -> Moment:
    image = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    observation = replace(world.observe(), image=image, depth_m=depth_m)
    return make_moment(observation, view, world.tool(), ur3_embodiment(), holding=False, seed=0)


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
