"""Traces as increments, and increments as tokens.

    trace      anchor-relative displacement per step            (q, step, 3)
    increments its differences from step to step, the first from the anchor
    video      increments on the grid                           (step, 3, row, column)
    token      `frames_in_channels` steps of a small square of the grid

A token counts its numbers as (coordinate, step within the frame, dy, dx), slowest first; tokens are counted
frame by frame, and patches of the grid row by row.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def increments_of(
    trace: Float[Tensor, "*batch step 3"], valid: Bool[Tensor, "*batch step"]
) -> tuple[Float[Tensor, "*batch step 3"], Bool[Tensor, "*batch step"]]:
    """Differences of an anchor-relative trace; known where both ends are, zero elsewhere."""
    before = torch.cat([torch.zeros_like(trace[..., :1, :]), trace[..., :-1, :]], dim=-2)
    known = valid & torch.cat([torch.ones_like(valid[..., :1]), valid[..., :-1]], dim=-1)
    return torch.where(known[..., None], trace - before, 0.0), known


def trace_of(increments: Float[Tensor, "*batch step 3"]) -> Float[Tensor, "*batch step 3"]:
    """The anchor-relative trace that increments add up to."""
    return increments.cumsum(-2)


def to_patches(
    cells: Float[Tensor, "b cells step 3"], grid_size: int, frames_in_channels: int, grid_patch: int
) -> Float[Tensor, "b frame patch features"]:
    """Values per cell -> numbers per token."""
    n_side = grid_size // grid_patch
    parts = cells.unflatten(2, (-1, frames_in_channels)).unflatten(
        1, (n_side, grid_patch, n_side, grid_patch)
    )
    # b row dy column dx frame k c  ->  b frame (row column) (c k dy dx)
    return parts.permute(0, 5, 1, 3, 7, 6, 2, 4).flatten(4, 7).flatten(2, 3)


def from_patches(
    patches: Float[Tensor, "b frame patch features"],
    grid_size: int,
    frames_in_channels: int,
    grid_patch: int,
) -> Float[Tensor, "b cells step 3"]:
    """The inverse of `to_patches`."""
    n_side = grid_size // grid_patch
    parts = patches.unflatten(3, (3, frames_in_channels, grid_patch, grid_patch))
    parts = parts.unflatten(2, (n_side, n_side))
    # b frame row column c k dy dx  ->  b (row dy column dx) (frame k) c
    return parts.permute(0, 2, 6, 3, 7, 1, 5, 4).flatten(5, 6).flatten(1, 4)
