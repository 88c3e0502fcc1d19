"""Traces without a spline: every future step is a point of its own.

The counterpart of `mu0.geometry.bspline.BezierFit` for models that predict raw waypoints. Like the spline it
gives a complete target: unknown steps between known ones lie on the straight line between these, unknown
steps at the end rest at the last known one. Steps before the first known one lie on the line from the anchor.

Conventions (docs/conventions.md)
    values  anchor-relative, divided by the delta scale; the anchor's own value is zero
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class WaypointFit:
    """Fills the unknown steps of futures.

    Args:
        n_steps: H, steps of a future.
        min_steps: Known steps that a future needs to be learned from.
        limit: Values are clamped to [-limit, limit]; None leaves them.
    """

    def __init__(self, n_steps: int, min_steps: int = 10, limit: float | None = 1.5) -> None:
        self.n_steps = n_steps
        self.min_steps = min_steps
        self.limit = limit

    def __call__(
        self, future: Float[Tensor, "*batch step 3"], valid: Bool[Tensor, "*batch step"]
    ) -> tuple[Float[Tensor, "*batch step 3"], Bool[Tensor, "*batch"]]:
        """Complete every trace.

        Args:
            future: Anchor-relative scaled steps; invalid ones may hold anything.
            valid: Which steps count.

        Returns:
            Steps (zero where too few are valid) and whether at least `min_steps` were valid.
        """
        points = fill_gaps(future, valid)
        if self.limit is not None:
            points = points.clamp(-self.limit, self.limit)
        enough = valid.sum(-1) >= self.min_steps
        return torch.where(enough[..., None, None], points, 0.0), enough


def fill_gaps(
    future: Float[Tensor, "*batch step 3"], valid: Bool[Tensor, "*batch step"]
) -> Float[Tensor, "*batch step 3"]:
    """Linear between known steps (the anchor, at zero, is one), constant after the last one."""
    n_steps = valid.shape[-1]
    places = torch.arange(1, n_steps + 1, device=valid.device).expand(valid.shape)  # 0 is the anchor
    before = torch.where(valid, places, 0).cummax(-1).values
    after = torch.where(valid, places, n_steps + 1).flip(-1).cummin(-1).values.flip(-1)
    after = torch.where(after > n_steps, before, after)
    known = torch.where(valid[..., None], future, 0.0)
    known = torch.cat([torch.zeros_like(known[..., :1, :]), known], dim=-2)
    share = ((places - before) / (after - before).clamp(min=1)).to(future.dtype)[..., None]
    left, right = (known.gather(-2, place[..., None].expand(future.shape)) for place in (before, after))
    return left + share * (right - left)
