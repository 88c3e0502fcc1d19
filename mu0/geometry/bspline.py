"""Piecewise cubic curves: how μ0 stores a trace in a few control points.

A future of H steps becomes D << H control points. The official basis is a clamped cubic B-spline whose
interior knots are triple, in other words (D - 1) / 3 cubic Bezier pieces that share end points. Fitting is
ridge regression on the first differences of the control points, with one row that ties the curve's start to
the anchor; steps after the valid prefix do not count, and the ridge lets the tail rest at the last
supported point.

Conventions (docs/conventions.md)
    time    t = i / H in [0, 1]; i = 0 is the anchor, i = 1..H are the future steps
    values  anchor-relative, divided by the delta scale; the anchor's own value is zero
    ridge   the weight on squared differences is smoothing**2, as in the release (0.2 -> 0.04)

Entry points
    BezierFit          trace -> control points (a matrix product when valid steps form a prefix)
    render_matrix      control points -> trace
    basis_matrix       the basis itself

Everywhere `smooth` asks for the uniform cubic B-spline instead: single interior knots, clamped ends, twice
continuously differentiable.

Sources
    arXiv:2606.13769 and its code; Cox-de Boor as in scipy.interpolate.BSpline.design_matrix.
"""

from functools import cache

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.interpolate import BSpline
from torch import Tensor

DEGREE = 3


def knots(n_control_points: int, *, smooth: bool = False) -> Float[np.ndarray, " knot"]:
    """Clamped knots on [0, 1]: triple interior knots (official), or single ones when `smooth`."""
    if smooth:
        interior = np.linspace(0, 1, n_control_points - DEGREE + 1)[1:-1]
    else:
        n_pieces = (n_control_points - 1) // DEGREE
        assert n_pieces * DEGREE + 1 == n_control_points, "Bezier pieces need 4, 7, 10, ... control points"
        interior = np.repeat(np.arange(1, n_pieces) / n_pieces, DEGREE)
    return np.concatenate([np.zeros(DEGREE + 1), interior, np.ones(DEGREE + 1)])


def basis_matrix(
    times: Float[np.ndarray, " t"], n_control_points: int, *, smooth: bool = False
) -> Float[np.ndarray, "t d"]:
    """Weights of the control points at `times` in [0, 1]; rows sum to one."""
    vector = knots(n_control_points, smooth=smooth)
    return BSpline.design_matrix(times.astype(float), vector, DEGREE).toarray()


def fit_basis(n_steps: int, n_control_points: int, *, smooth: bool = False) -> Float[np.ndarray, "rows d"]:
    """Basis at the anchor (row 0) and at the future steps (rows 1..H)."""
    return basis_matrix(np.arange(n_steps + 1) / n_steps, n_control_points, smooth=smooth)


@cache
def render_matrix(n_steps: int, n_control_points: int, *, smooth: bool = False) -> Float[Tensor, "step d"]:
    """Control points -> future steps, without the anchor row; float32."""
    return torch.from_numpy(fit_basis(n_steps, n_control_points, smooth=smooth)[1:]).float()


def prefix_table(
    n_steps: int, n_control_points: int, smoothing: float, *, smooth: bool = False
) -> Float[np.ndarray, "length d step"]:
    """For every length of the valid prefix (0..H) the matrix that turns steps into control points."""
    basis = fit_basis(n_steps, n_control_points, smooth=smooth)
    ridge = smoothing**2 * _difference_gram(n_control_points)
    table = np.zeros((n_steps + 1, n_control_points, n_steps))
    for length in range(n_steps + 1):
        seen = basis[: length + 1]
        solve = np.linalg.pinv(seen.T @ seen + ridge, rcond=1e-10, hermitian=True) @ seen.T
        table[length, :, :length] = solve[:, 1:]
    return table


def _difference_gram(n_control_points: int) -> Float[np.ndarray, "d d"]:
    """Γ'Γ of the first-difference matrix Γ."""
    difference = np.diff(np.eye(n_control_points), axis=0)
    return difference.T @ difference


class BezierFit:
    """Fits control points to masked futures; built once, then a table look-up and a matrix product.

    Args:
        n_steps: H, steps of a future.
        n_control_points: D, one of 4, 7, 10; at least 4 when `smooth`.
        smoothing: λ; the ridge weight is λ².
        limit: Control points are clamped to [-limit, limit]; None leaves them.
        smooth: Fit the twice differentiable spline instead of Bezier pieces.
    """

    def __init__(
        self,
        n_steps: int,
        n_control_points: int,
        smoothing: float = 0.2,
        limit: float | None = 1.5,
        *,
        smooth: bool = False,
    ) -> None:
        self.n_control_points = n_control_points
        self.limit = limit
        self._ridge = torch.from_numpy(smoothing**2 * _difference_gram(n_control_points))
        self._basis = torch.from_numpy(fit_basis(n_steps, n_control_points, smooth=smooth))
        self._table = torch.from_numpy(prefix_table(n_steps, n_control_points, smoothing, smooth=smooth))

    def __call__(
        self, future: Float[Tensor, "*batch step 3"], valid: Bool[Tensor, "*batch step"]
    ) -> tuple[Float[Tensor, "*batch d 3"], Bool[Tensor, "*batch"]]:
        """Fit every trace.

        Args:
            future: Anchor-relative scaled steps; invalid ones may hold anything.
            valid: Which steps count.

        Returns:
            Control points (zero where too few steps are valid) and whether at least D steps were valid.
        """
        seen = torch.where(valid[..., None], future, 0.0).double()
        length = valid.sum(-1)
        matrices = self._table.to(future.device)[length]
        points = matrices @ seen
        steps = torch.arange(valid.shape[-1], device=valid.device)
        has_gap = (valid != (steps < length[..., None])).any(-1)
        if has_gap.any():
            points[has_gap] = self._solve(seen[has_gap], valid[has_gap])
        if self.limit is not None:
            points = points.clamp(-self.limit, self.limit)
        enough = length >= self.n_control_points
        return torch.where(enough[..., None, None], points, 0.0).to(future.dtype), enough

    def _solve(
        self, seen: Float[Tensor, "n step 3"], valid: Bool[Tensor, "n step"]
    ) -> Float[Tensor, "n d 3"]:
        """Normal equations for masks that are not a prefix."""
        basis = self._basis.to(seen.device)
        masked = basis[1:] * valid[..., None]
        gram = masked.mT @ masked + torch.outer(basis[0], basis[0]) + self._ridge.to(seen.device)
        return torch.linalg.pinv(gram, rtol=1e-10, hermitian=True) @ (masked.mT @ seen)
