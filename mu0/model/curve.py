"""Which curve a model's numbers stand for: how a trace becomes control points, and back.

Kinds (`WorldModelConfig.curve`)
    bezier     clamped cubic pieces that share end points (the release); kinks at the joints are possible
    c2         clamped uniform cubic B-spline: position, velocity and acceleration are continuous
    waypoints  no curve: the future steps themselves
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from mu0.geometry.bspline import BezierFit, render_matrix
from mu0.geometry.waypoints import WaypointFit
from mu0.model.config import WorldModelConfig


def curve_fit(config: WorldModelConfig) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """(future, valid) -> (control points, whether enough steps were known)."""
    if config.curve == "waypoints":
        return WaypointFit(config.future_len, limit=config.control_point_limit)
    return BezierFit(
        config.future_len,
        config.n_control_points,
        config.spline_smoothing,
        config.control_point_limit,
        smooth=config.curve == "c2",
    )


def curve_basis(config: WorldModelConfig) -> Float[Tensor, "step d"]:
    """Control points -> future steps."""
    if config.curve == "waypoints":
        return torch.eye(config.future_len)
    return render_matrix(config.future_len, config.n_control_points, smooth=config.curve == "c2")


def starts_at_anchor(config: WorldModelConfig) -> bool:
    """Whether the first control point is the anchor itself, so that a hard anchor sets it to zero."""
    return config.curve != "waypoints"
