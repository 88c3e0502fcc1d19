"""The batch that training and evaluation of the world model see."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class NamedBatch:
    """Other images than those of the traces, and whether some places in them are on the named thing.

    From `mu0.dataset.named`.
    """

    image: Float[Tensor, "n 3 size size"]  # [0, 1]
    instructions: list[str]
    uv: Float[Tensor, "n p 2"]
    is_named: Bool[Tensor, "n p"]
    valid: Bool[Tensor, "n p"]  # False = padding

    def to(self, device: torch.device | str) -> "NamedBatch":
        """The same with its tensors on `device`."""
        moved = replace(self, image=self.image.to(device), uv=self.uv.to(device))
        return replace(moved, is_named=self.is_named.to(device), valid=self.valid.to(device))


@dataclass(frozen=True)
class TraceBatch:
    """A collated batch of training windows (reference: official keys in reference/mu0.md §1.8).

    Futures are anchor-relative and divided by the statistics' delta scale; histories are anchor-relative
    only. Invalid entries are zero, never NaN: read them through their masks.

    Episodes without depth supervise u and v only: their z is zero everywhere and `has_depth_axis` is False
    for their image. A loss must leave the z axis of such images out (None means that all of them have z);
    because the B-spline fit treats the axes apart, masking the third channel of the targets is enough.
    """

    image: Float[Tensor, "b 3 size size"]  # [0, 1]
    instructions: list[str]
    anchor_uvz: Float[Tensor, "b q 3"]
    history: Float[Tensor, "b q past 3"]
    history_valid: Bool[Tensor, "b q past"]
    future: Float[Tensor, "b q step 3"]
    future_valid: Bool[Tensor, "b q step"]
    query_valid: Bool[Tensor, "b q"]  # False = padding
    cluster_ids: Int[Tensor, "b q"]  # -1 = padding
    depth_panel: Float[Tensor, "b 3 size size"] | None = None  # turbo-coloured, [0, 1]
    depth_valid: Bool[Tensor, " b"] | None = None
    has_depth_axis: Bool[Tensor, " b"] | None = None  # False = z of the traces is unknown, not zero
    rays: Float[Tensor, "b 2 2"] | None = None  # x = (rays[0, 0] u + rays[0, 1]) z, y likewise; 0 = unknown
    named: NamedBatch | None = None
    moves: Bool[Tensor, "b q"] | None = None  # whether a query leaves its place; None without resting queries

    def to(self, device: torch.device | str) -> "TraceBatch":
        """The same batch with its tensors on `device`."""
        moved: dict[str, Any] = {
            name: value.to(device) if isinstance(value, Tensor | NamedBatch) else value
            for name, value in vars(self).items()
        }
        return TraceBatch(**moved)
