"""Speed retargeting: the reference values A to D, and the laws behind them."""

import numpy as np
import pytest

from mu0.errors import ExtractionError
from tests.mu0.geometry.retargeting import retarget

SIZE_PX = (50, 100)  # height, width
RNG = np.random.default_rng(0)
WALK = np.cumsum(RNG.normal(scale=[3, 3, 0.05], size=(60, 30, 3)), axis=1) + np.array([50, 25, 1])


def _one_row(x: list[float], z: list[float]) -> np.ndarray:
    return np.stack([np.array(x), np.full(len(x), 5.0), np.array(z)], axis=-1)[None]


def test_a_static_and_a_moving_row_share_one_time_axis() -> None:
    static = np.tile([20.0, 10, 1], (5, 1))
    moving = np.stack([10.0 + 10 * np.arange(5), np.full(5, 25.0), np.full(5, 2.0)], axis=-1)
    result = retarget(np.stack([static, moving]), SIZE_PX, 16)
    assert result.n_valid == 9
    np.testing.assert_allclose(result.trace[1, :, 0], np.arange(10, 51, 5))
    np.testing.assert_allclose(result.trace[0], np.tile([20, 10, 1], (9, 1)))


def test_b_pauses_vanish_and_depth_counts_in_metres() -> None:
    result = retarget(_one_row([10, 10, 10, 30, 30, 30], [1, 1, 1, 1, 1, 1.12]), SIZE_PX, 16)
    expected = [[10, 5, 1], [15, 5, 1], [20, 5, 1], [25, 5, 1], [30, 5, 1], [30, 5, 1.05], [30, 5, 1.10]]
    np.testing.assert_allclose(result.trace[0], expected)
    np.testing.assert_allclose(result.frame, [2, 2.25, 2.5, 2.75, 4, 4.41667, 4.83333], atol=1e-5)


def test_c_a_motion_shorter_than_one_step_leaves_only_the_anchor() -> None:
    assert retarget(_one_row([10, 11, 12], [1, 1, 1]), SIZE_PX, 16).n_valid == 1


def test_d_a_long_path_is_cut_at_the_last_step() -> None:
    result = retarget(_one_row([100.0 * i for i in range(11)], [1] * 11), SIZE_PX, 32)
    assert result.n_valid == 32
    assert result.trace[0, -1, 0] == pytest.approx(155)


def test_agrees_with_an_independent_implementation() -> None:
    width, height, n_steps = 100, 50, 200
    path = WALK / [width, height, 1]
    length = np.linalg.norm(path[:, 1:] - path[:, :-1], axis=-1)
    advance = [sum(sorted(length[:, s])[-2:]) / 2 for s in range(29)]  # ceil(0.02 * 60) = 2
    result = retarget(WALK, SIZE_PX, n_steps)
    position = np.interp(result.frame, np.arange(30), np.r_[0, np.cumsum(advance)])
    np.testing.assert_allclose(position, 0.05 * np.arange(result.n_valid), atol=1e-12)
    for row in (0, 7, 59):
        for axis in range(3):
            expected = np.interp(result.frame, np.arange(30), WALK[row, :, axis])
            np.testing.assert_allclose(result.trace[row, :, axis], expected, atol=1e-9)


def test_playing_slower_does_not_change_the_trace() -> None:
    line = np.linspace([10, 10, 1], [90, 40, 2], 11)[None]
    slow = np.linspace([10, 10, 1], [90, 40, 2], 31)[None]
    a, b = retarget(line, SIZE_PX, 64), retarget(slow, SIZE_PX, 64)
    np.testing.assert_allclose(a.trace, b.trace, atol=1e-9)
    np.testing.assert_allclose(3 * a.frame, b.frame, atol=1e-9)


def test_the_order_of_rows_does_not_matter() -> None:
    order = RNG.permutation(60)
    np.testing.assert_array_equal(
        retarget(WALK[order], SIZE_PX, 64).trace, retarget(WALK, SIZE_PX, 64).trace[order]
    )


def test_one_frame_is_the_anchor_alone() -> None:
    result = retarget(WALK[:, :1], SIZE_PX, 8)
    np.testing.assert_allclose(result.trace, WALK[:, :1])
    np.testing.assert_array_equal(result.frame, [0])


def test_two_dimensional_traces_work() -> None:
    flat = np.concatenate([WALK[..., :2], np.zeros((60, 30, 1))], axis=-1)
    np.testing.assert_array_equal(
        retarget(WALK[..., :2], SIZE_PX, 64).trace, retarget(flat, SIZE_PX, 64).trace[..., :2]
    )


def test_a_position_that_is_not_finite_is_an_error_in_words() -> None:
    broken = WALK.copy()
    broken[3, 4, 0] = np.nan
    with pytest.raises(ExtractionError, match="position that is not finite"):
        retarget(broken, SIZE_PX, 16)
