"""Control points: the release's numbers, SciPy's curves, and laws of the fit."""

import numpy as np
import pytest
import torch
from scipy.interpolate import make_lsq_spline

from mu0.geometry.bspline import BezierFit, basis_matrix, fit_basis, knots, render_matrix

TIME = torch.arange(1, 33, dtype=torch.float64) / 32
CURVE = torch.stack([TIME, 2 * TIME**2, torch.sin(2 * torch.pi * TIME)], dim=-1)
ALL = torch.ones(32, dtype=torch.bool)
P_X = [0.002811, 0.108662, 0.222949, 0.333335, 0.444443, 0.555557, 0.666665, 0.777051, 0.891338, 0.997189]
P_Y = [-0.001148, 0.002249, 0.077354, 0.220293, 0.373396, 0.595625, 0.886953, 1.185557, 1.5, 1.5]
P_Z = [
    0.012934,
    0.764309,
    1.185529,
    0.896956,
    0.406015,
    -0.406015,
    -0.896956,
    -1.185529,
    -0.764309,
    -0.012934,
]
HALF_X = [0.00281, 0.10821, 0.224384, 0.331775, 0.457119, 0.55195, 0.577705, 0.577705, 0.577705, 0.577705]


def test_basis_rows_are_those_of_the_release() -> None:
    rows = basis_matrix(np.array([1, 8, 11, 16]) / 32, 10)
    np.testing.assert_allclose(rows[0, :4], [0.744293, 0.230988, 0.023895, 0.000824], atol=1e-6)
    np.testing.assert_allclose(rows[1, :4], [0.015625, 0.140625, 0.421875, 0.421875], atol=1e-6)
    np.testing.assert_allclose(rows[2, 3:7], [0.909149, 0.087982, 0.002838, 0.000031], atol=1e-6)
    np.testing.assert_allclose(rows[3, 3:7], [0.125, 0.375, 0.375, 0.125], atol=1e-12)


@pytest.mark.parametrize("n_control_points", [4, 7, 10])
def test_the_basis_is_bernstein_on_every_piece(n_control_points: int) -> None:
    basis = fit_basis(32, n_control_points)
    n_pieces = (n_control_points - 1) // 3
    for row, t in zip(basis, np.arange(33) / 32, strict=True):
        piece = min(int(n_pieces * t), n_pieces - 1)
        s = n_pieces * t - piece
        expected = np.zeros(n_control_points)
        expected[3 * piece : 3 * piece + 4] = [(1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3]
        np.testing.assert_allclose(row, expected, atol=1e-12)


def test_control_points_are_those_of_the_release() -> None:
    points, enough = BezierFit(32, 10)(CURVE, ALL)
    expected = torch.tensor([P_X, P_Y, P_Z], dtype=torch.float64).T
    torch.testing.assert_close(points, expected, atol=1e-6, rtol=0)
    assert enough


def test_a_short_prefix_rests_at_its_last_supported_point() -> None:
    points, _ = BezierFit(32, 10)(CURVE, torch.arange(32) < 16)
    torch.testing.assert_close(points[:, 0], torch.tensor(HALF_X, dtype=torch.float64), atol=1e-5, rtol=0)


def test_without_ridge_and_limit_a_curve_of_the_family_is_reproduced() -> None:
    points = torch.randn(10, 3, dtype=torch.float64)
    points[0] = 0
    curve = torch.from_numpy(fit_basis(32, 10)[1:]) @ points
    fitted, _ = BezierFit(32, 10, smoothing=0.0, limit=None)(curve, ALL)
    torch.testing.assert_close(fitted, points, atol=1e-9, rtol=0)


def test_without_ridge_the_fit_agrees_with_scipy() -> None:
    times = np.arange(33) / 32
    values = np.concatenate([np.zeros((1, 3)), CURVE.numpy()])
    reference = make_lsq_spline(times, values, knots(10), k=3).c
    fitted, _ = BezierFit(32, 10, smoothing=0.0, limit=None)(CURVE, ALL)
    np.testing.assert_allclose(fitted.numpy(), reference, atol=1e-9)


def test_the_table_equals_the_general_solve_for_every_prefix() -> None:
    fit = BezierFit(32, 10, limit=None)
    valid = torch.arange(32) < torch.arange(1, 33)[:, None]
    curves = CURVE.expand(32, 32, 3)
    seen = torch.where(valid[..., None], curves, 0.0)
    expected = torch.where(valid.sum(-1)[:, None, None] >= 10, fit._solve(seen, valid), 0.0)
    torch.testing.assert_close(fit(curves, valid)[0], expected, atol=1e-9, rtol=0)


def test_values_under_the_mask_do_not_matter_even_with_gaps() -> None:
    fit, valid = BezierFit(32, 10), torch.ones(2, 32, dtype=torch.bool)
    valid[0, 20:] = False
    valid[1, 5:9] = False
    curves = CURVE.expand(2, 32, 3)
    poisoned = curves.masked_fill(~valid[..., None], torch.nan)
    torch.testing.assert_close(fit(poisoned, valid)[0], fit(curves, valid)[0])
    assert torch.isfinite(fit(poisoned, valid)[0]).all()


def test_too_few_steps_give_no_target() -> None:
    points, enough = BezierFit(32, 10)(CURVE, torch.arange(32) < 9)
    assert not enough
    assert (points == 0).all()


def test_rendering_ends_at_the_last_control_point() -> None:
    points = torch.randn(5, 10, 3)
    torch.testing.assert_close((render_matrix(32, 10) @ points)[:, -1], points[:, -1])


def test_the_smooth_basis_has_continuous_second_derivatives() -> None:
    times = np.linspace(0, 1, 2001)
    curve = basis_matrix(times, 10, smooth=True) @ np.random.default_rng(0).normal(size=10)
    second = np.diff(curve, 2) * 2000**2
    assert np.abs(np.diff(second)).max() < 0.01 * np.abs(second).max()
    np.testing.assert_allclose(basis_matrix(times, 10, smooth=True).sum(1), 1)


def test_smooth_rows_are_those_of_the_uniform_spline_inside() -> None:
    """At a knot 1, 4, 1 sixths; half-way between two knots 1, 23, 23, 1 forty-eighths."""
    rows = basis_matrix(np.array([3 / 7, 1 / 2, 4 / 7]), 10, smooth=True)
    np.testing.assert_allclose(rows[0, 3:6], np.array([1, 4, 1]) / 6, atol=1e-12)
    np.testing.assert_allclose(rows[1, 3:7], np.array([1, 23, 23, 1]) / 48, atol=1e-12)
    np.testing.assert_allclose(rows[2, 4:7], np.array([1, 4, 1]) / 6, atol=1e-12)


def test_smooth_curves_start_and_end_at_their_outer_points() -> None:
    basis = fit_basis(32, 10, smooth=True)
    np.testing.assert_array_equal(basis[0], np.eye(10)[0])
    np.testing.assert_array_equal(basis[-1], np.eye(10)[-1])


def test_the_smooth_fit_solves_its_ridge_problem() -> None:
    points, _ = BezierFit(32, 10, smoothing=0.2, limit=None, smooth=True)(CURVE, ALL)
    basis = fit_basis(32, 10, smooth=True)
    stacked = np.concatenate([basis, 0.2 * np.diff(np.eye(10), axis=0)])
    target = np.concatenate([np.zeros((1, 3)), CURVE.numpy(), np.zeros((9, 3))])
    expected = np.linalg.lstsq(stacked, target, rcond=None)[0]
    np.testing.assert_allclose(points.numpy(), expected, atol=1e-9)


def test_a_smooth_curve_with_gaps_is_reproduced_without_ridge() -> None:
    points = torch.randn(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    points[0] = 0
    curve = render_matrix(32, 9, smooth=True).double() @ points
    valid = torch.ones(32, dtype=torch.bool)
    valid[4:6] = False
    fitted, _ = BezierFit(32, 9, smoothing=0.0, limit=None, smooth=True)(curve, valid)
    torch.testing.assert_close(fitted, points, atol=1e-4, rtol=0)
