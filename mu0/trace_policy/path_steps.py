"""True motion as traces tell it: equal steps of path length, a few control points.

What a perfect model could say at best: time and pauses are gone, corners are rounded by the curve.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float

from mu0.geometry.arc_length import STEP, TOP_FRACTION, common_advance, equal_steps, lengths
from mu0.geometry.bspline import BezierFit, render_matrix
from mu0.trace_policy.view import CalibratedView

UNIT = np.array([2.0, 2.0, 1.0])  # uvz per image width, image height and metre
SMOOTHING = 0.2


class PathSteps:
    """Turns points over time into what a trace keeps of them.

    Args:
        n_steps: Longest future, in steps of path length.
        n_control_points: Of the curve; 0 keeps the steps as they are.
    """

    def __init__(self, n_steps: int = 32, n_control_points: int = 10) -> None:
        self.n_steps = n_steps
        self._n_control_points = n_control_points
        if n_control_points:
            self._fit = BezierFit(n_steps, n_control_points, SMOOTHING, None)

    def __call__(
        self, points_m: Float[np.ndarray, "t q 3"], view: CalibratedView
    ) -> tuple[Float[np.ndarray, "q step 3"], Bool[np.ndarray, " step"]]:
        """Points (base frame) at `n_steps` + 1 steps, the first one now, and which steps exist."""
        uvz = view.uvz(points_m)
        advance = common_advance(lengths((uvz / UNIT).swapaxes(0, 1)), TOP_FRACTION)
        segment, share = equal_steps(advance, self.n_steps + 1, STEP)
        after = np.minimum(segment + 1, len(uvz) - 1)
        stepped = (uvz[segment] + share[:, None, None] * (uvz[after] - uvz[segment])).swapaxes(0, 1)
        n_valid = stepped.shape[1]
        padded = np.repeat(stepped[:, -1:], self.n_steps + 1, axis=1)
        padded[:, :n_valid] = stepped
        valid = np.arange(self.n_steps + 1) < n_valid
        if self._n_control_points and n_valid > self._n_control_points:
            padded = self._curved(padded, valid)
        return view.base_m(padded), valid

    def _curved(
        self, uvz: Float[np.ndarray, "q step 3"], valid: Bool[np.ndarray, " step"]
    ) -> Float[np.ndarray, "q step 3"]:
        """Through control points and back, anchored at the first step."""
        future = torch.from_numpy(uvz[:, 1:] - uvz[:, :1])
        control, _ = self._fit(future, torch.from_numpy(valid[1:]).expand(len(uvz), -1))
        control[:, 0] = 0
        basis = render_matrix(self.n_steps, self._n_control_points).double()
        curved = torch.cat([torch.zeros_like(future[:, :1]), basis @ control], dim=1)
        return uvz[:, :1] + curved.numpy()
