"""TraceForge's grid, camera transform and velocity retargeting against straightforward implementations."""

import math

import numpy as np
import pytest

from mu0.errors import ExtractionError
from mu0.geometry.rigid import from_parts
from mu0.geometry.traceforge import grid_points, retarget_by_speed, through_camera

RNG = np.random.default_rng(0)
SIZE_PX = (60, 100)  # height, width


def naive_retarget(trace: np.ndarray, n_steps: int) -> tuple[np.ndarray, list[float]]:
    """The text of the reference, line by line, with loops."""
    n, t, d = trace.shape
    scale = [trace[-1, 0, 0] or 1.0, trace[-1, 0, 1] or 1.0, 1.0][:d]
    p = [[[0.0] * d for _ in range(t)] for _ in range(n)]
    for i in range(n):
        for s in range(t):
            for c in range(d):
                value = float(trace[i, s, c]) / float(scale[c])
                p[i][s][c] = min(max(value, 0.0), 1.0) if c < 2 else value
    k = max(1, math.ceil(0.02 * n))
    travelled = [0.0]
    for s in range(t - 1):
        segments = sorted((math.dist(p[i][s], p[i][s + 1]) for i in range(n)), reverse=True)
        travelled.append(travelled[-1] + sum(segments[:k]) / k)
    m = min(math.floor(travelled[-1] / 0.05) + 1, n_steps)
    out, frames = np.full((n, m, d), np.nan), []
    for j in range(m):
        u = min(0.05 * j, travelled[-1])
        i = min(max(s for s in range(t) if travelled[s] <= u), t - 2)
        alpha = (u - travelled[i]) / max(travelled[i + 1] - travelled[i], 1e-12)
        frames.append(i + alpha)
        for row in range(n):
            for c in range(d):
                out[row, j, c] = (p[row][i][c] + alpha * (p[row][i + 1][c] - p[row][i][c])) * scale[c]
    return out, frames


def _grid_walk(n_frames: int, d: int) -> np.ndarray:
    start = np.concatenate([grid_points(SIZE_PX), np.full((400, 1), 1.2)], -1)[:, None]
    speed = np.where(RNG.random(400) < 0.1, 1.0, 0.02)[:, None, None]
    step = RNG.normal(scale=[3, 2, 0.02], size=(400, n_frames - 1, 3)) * speed
    step[:, 8:12] = 0  # everybody pauses
    walk = start + np.concatenate([np.zeros((400, 1, 3)), np.cumsum(step, 1)], 1)
    return walk[..., :d]


def test_the_grid_includes_the_borders_and_runs_along_rows() -> None:
    grid = grid_points((480, 640))
    assert grid.shape == (400, 2)
    np.testing.assert_allclose(grid[[0, 19, 380, 399]], [[0, 0], [639, 0], [0, 479], [639, 479]])
    np.testing.assert_allclose(grid[1], [639 / 19, 0])
    np.testing.assert_allclose(grid[20], [0, 479 / 19], rtol=1e-6)


@pytest.mark.parametrize("d", [2, 3])
def test_velocity_retargeting_is_the_reference(d: int) -> None:
    walk = _grid_walk(30, d)
    expected, frames = naive_retarget(walk, 128)
    result = retarget_by_speed(walk, 128)
    assert result.n_valid == len(frames) > 5
    np.testing.assert_allclose(result.trace, expected, atol=1e-9)
    np.testing.assert_allclose(result.frame, frames, atol=1e-6)


def test_eight_of_400_points_set_the_clock() -> None:
    walk = np.tile(np.concatenate([grid_points(SIZE_PX), np.ones((400, 1))], -1)[:, None], (1, 11, 1))
    walk[:8, :, 2] += 0.05 * np.arange(11)  # exactly the 2 % advance one step per frame
    assert retarget_by_speed(walk, 128).n_valid in {10, 11}  # 10 * 0.05 may round below 0.5
    walk[4:8, :, 2] = 1.0
    assert retarget_by_speed(walk, 128).n_valid in {5, 6}


def test_pixels_are_clipped_before_measuring() -> None:
    walk = np.tile(np.concatenate([grid_points(SIZE_PX), np.ones((400, 1))], -1)[:, None], (1, 5, 1))
    walk[:20, 1:, 1] = -500.0  # the first row leaves the image upwards: no length at all
    result = retarget_by_speed(walk, 128)
    assert result.n_valid == 1
    walk[20:40, 1:, 1] = -500.0  # the second row walks to the border and no farther
    assert (retarget_by_speed(walk, 128).trace[20:40, -1, 1] >= 0).all()


def test_reference_values_of_the_unclipped_form_hold_where_nothing_is_clipped() -> None:
    """Values A to C of the reference, with a still last row at (W, H) that only gives the scales."""
    corner = np.tile([100.0, 50, 1], (5, 1))
    moving = np.stack([10.0 + 10 * np.arange(5), np.full(5, 25.0), np.full(5, 2.0)], axis=-1)
    a = retarget_by_speed(np.stack([moving, corner]), 16)
    np.testing.assert_allclose(a.trace[0, :, 0], np.arange(10, 51, 5))
    pause = np.stack([np.array([10.0, 10, 10, 30, 30, 30]), np.full(6, 5.0), [1, 1, 1, 1, 1, 1.12]], -1)
    b = retarget_by_speed(np.stack([pause, np.tile([100.0, 50, 1], (6, 1))]), 16)
    np.testing.assert_allclose(b.frame, [2, 2.25, 2.5, 2.75, 4, 4.41667, 4.83333], atol=1e-5)
    c = retarget_by_speed(np.array([[[10.0, 5, 1], [11, 5, 1], [12, 5, 1]], [[100.0, 50, 1]] * 3]), 16)
    assert c.n_valid == 1


def test_value_d_is_clipped_at_the_corner() -> None:
    line = np.array([[100.0 * i, 5, 1] for i in range(11)])
    d = retarget_by_speed(np.stack([line, np.tile([100.0, 50, 1], (11, 1))]), 32)
    assert d.n_valid == 21  # one image width and no farther
    assert d.trace[0, -1, 0] == pytest.approx(100)


def test_all_steps_go_through_one_camera() -> None:
    angle = 0.3
    rotation = np.array(
        [[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]]
    )
    pose = from_parts(rotation[None], np.array([[0.1, -0.2, 0.5]]))[0]
    k = np.array([[90.0, 0, 50], [0, 80, 30], [0, 0, 1]])
    world = RNG.uniform([-1, -1, 1], [1, 1, 3], (6, 4, 3))
    found = through_camera(world, pose, k)
    assert found.shape == (4, 6, 3)
    for t in range(6):
        for n in range(4):
            x, y, z = rotation @ world[t, n] + [0.1, -0.2, 0.5]
            np.testing.assert_allclose(found[n, t], [90 * x / z + 50, 80 * y / z + 30, z], rtol=1e-6)


def test_a_position_that_is_not_finite_is_an_error_in_words() -> None:
    walk = _grid_walk(5, 3)
    walk[3, 2, 2] = np.nan
    with pytest.raises(ExtractionError, match="position that is not finite"):
        retarget_by_speed(walk, 16)
