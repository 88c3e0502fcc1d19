"""What a wide map covers of other things is cut off where depth jumps."""

import numpy as np

from mu0.trace_policy.one_surface import GAP_M, likeliest_surface


def plane(height: int, width: int, depth_m: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([0.005 * x, 0.005 * y, np.broadcast_to(depth_m, (height, width))], axis=-1).astype(float)


def test_a_thing_before_another_is_cut_off_at_its_edge() -> None:
    depth_m = np.where(np.arange(9) < 5, 0.8, 0.8 + 2 * GAP_M)
    weight = np.ones((4, 9))
    found = likeliest_surface(plane(4, 9, depth_m), np.ones((4, 9), bool), weight)
    assert found[:, :5].all()
    assert not found[:, 5:].any()


def test_a_slope_is_one_surface() -> None:
    depth_m = 0.8 + 0.6 * GAP_M * np.arange(9)
    assert likeliest_surface(plane(4, 9, depth_m), np.ones((4, 9), bool), np.ones((4, 9))).all()


def test_the_piece_that_is_likelier_in_all_wins_not_the_larger_one() -> None:
    candidate = np.ones((4, 9), bool)
    candidate[:, 3] = False  # parts what is left from what is right
    weight = np.ones((4, 9))
    weight[:, :3] = 3.0
    found = likeliest_surface(plane(4, 9, np.full(9, 0.8)), candidate, weight)
    assert found[:, :3].all()
    assert not found[:, 3:].any()


def test_where_nothing_may_be_on_it_nothing_is() -> None:
    nowhere = np.zeros((4, 9), bool)
    assert not likeliest_surface(plane(4, 9, np.full(9, 0.8)), nowhere, np.ones((4, 9))).any()
