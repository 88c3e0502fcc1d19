"""Futures are drawn where they are, and nowhere else."""

import numpy as np

from mu0.geometry.camera import trace_from_uvz
from mu0.records import Observation
from mu0.trace_policy.drawn_futures import GRIPPER_RGB, TARGET_RGB, with_futures
from mu0.trace_policy.sources import Futures
from mu0.trace_policy.view import CalibratedView


def test_lines_run_from_where_a_point_is_to_where_it_goes(toy_view: CalibratedView) -> None:
    here_m, there_m = np.array([0.3, 0.0, 0.05]), np.array([0.25, 0.15, 0.15])
    path_m = here_m + np.linspace(0, 1, 9)[:, None] * (there_m - here_m)
    gripper_m = np.broadcast_to(path_m, (1, 1, 9, 3))
    futures = Futures(gripper_m, gripper_m - [0.0, 0.2, 0.0], np.ones((1, 9), bool))
    black = Observation(np.zeros((64, 64, 3), np.uint8), "x")
    image = with_futures(black, futures, toy_view).image
    for points_m, colour in ((path_m, GRIPPER_RGB), (path_m - [0.0, 0.2, 0.0], TARGET_RGB)):
        column, row = np.round(trace_from_uvz(toy_view.uvz(points_m), 64, 64)[:, :2]).astype(int).T
        around = [image[row + dy, column + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        brightest = np.max(around, axis=0).astype(int)
        assert (np.abs(brightest - colour).max(axis=1) < 90).all(), "the line passes beside the path"
    assert not black.image.any(), "the observation itself stays as it was"
    assert (image.sum(axis=2) > 0).mean() < 0.1


def test_steps_that_are_not_valid_are_not_drawn(toy_view: CalibratedView) -> None:
    path_m = np.broadcast_to([0.3, 0.0, 0.05], (1, 1, 4, 3)).copy()
    path_m[:, :, 2:] = np.nan
    futures = Futures(path_m, path_m, np.array([[True, True, False, False]]))
    image = with_futures(Observation(np.zeros((64, 64, 3), np.uint8), "x"), futures, toy_view).image
    assert (image.sum(axis=2) > 0).sum() <= 16
