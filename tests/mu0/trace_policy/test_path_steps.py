"""What a trace keeps of a motion: equal steps of path, anchored now; nothing of its time."""

import numpy as np

from mu0.geometry.arc_length import STEP
from mu0.trace_policy.path_steps import UNIT, PathSteps
from mu0.trace_policy.view import CalibratedView

START_M = np.array([[0.3, -0.1, 0.1], [0.32, -0.1, 0.1], [0.3, -0.08, 0.12]])


def along(way_m: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The three points carried along a straight way: (t, 3, 3)."""
    return START_M[None] + shares[:, None, None] * way_m


def test_the_fastest_point_moves_one_step_of_path_per_step(toy_view: CalibratedView) -> None:
    points_m = along(np.array([0.0, 0.3, 0.05]), np.linspace(0, 1, 200) ** 2)
    traces_m, valid = PathSteps(32, 0)(points_m, toy_view)
    moved = np.linalg.norm(np.diff(toy_view.uvz(traces_m[:, valid]) / UNIT, axis=1), axis=-1)
    np.testing.assert_allclose(moved.max(axis=0), STEP, rtol=0.02)
    np.testing.assert_allclose(traces_m[:, 0], START_M, atol=1e-6)
    assert traces_m.shape == (3, 33, 3)


def test_pauses_and_haste_leave_no_mark(toy_view: CalibratedView) -> None:
    way_m = np.array([0.0, 0.3, 0.05])
    steady = along(way_m, np.linspace(0, 1, 400))
    with_pause = along(
        way_m, np.concatenate([np.linspace(0, 0.4, 40), np.full(50, 0.4), np.linspace(0.4, 1, 500)])
    )
    for n_control_points in (0, 10):
        steps = PathSteps(32, n_control_points)
        np.testing.assert_allclose(steps(steady, toy_view)[0], steps(with_pause, toy_view)[0], atol=1e-4)


def test_a_curve_keeps_a_straight_way_to_millimetres_and_its_start_exactly(toy_view: CalibratedView) -> None:
    points_m = along(np.array([-0.05, 0.45, 0.1]), np.linspace(0, 1, 100))
    steps, n = PathSteps(32, 0)(points_m, toy_view)
    curved, _ = PathSteps(32, 10)(points_m, toy_view)
    np.testing.assert_allclose(curved[:, 0], START_M, atol=1e-6)
    np.testing.assert_allclose(curved[:, n], steps[:, n], atol=0.01)


def test_what_stands_still_has_one_step(toy_view: CalibratedView) -> None:
    traces_m, valid = PathSteps(32, 10)(along(np.zeros(3), np.zeros(20)), toy_view)
    assert valid.sum() == 1
    np.testing.assert_allclose(traces_m[:, -1], START_M, atol=1e-6)
