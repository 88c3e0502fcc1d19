"""Which patches of the grid take part: all of them, or those that hold a keypoint.

Images of a batch may have different numbers of patches; the shorter lists are filled up and masked.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mu0.baselines.tracegen.config import TraceGenConfig


@dataclass(frozen=True)
class PatchChoice:
    """Numbers of the chosen patches per image, and which of them are real."""

    index: Int[Tensor, "b p"]
    is_chosen: Bool[Tensor, "b p"]

    def repeated(self, n_times: int) -> "PatchChoice":
        """The same choice for several draws of each image, draws of an image together."""
        if n_times == 1:
            return self
        return PatchChoice(
            self.index.repeat_interleave(n_times, dim=0), self.is_chosen.repeat_interleave(n_times, dim=0)
        )

    def gather(self, patches: Float[Tensor, "b frame patch f"]) -> Float[Tensor, "b n f"]:
        """Tokens of the chosen patches, frame by frame; zeros where the list is filled up."""
        index = self.index[:, None, :, None].expand(-1, patches.shape[1], -1, patches.shape[3])
        chosen = patches.gather(2, index) * self.is_chosen[:, None, :, None]
        return chosen.flatten(1, 2)

    def scatter(
        self, tokens: Float[Tensor, "b n f"], n_frames: int, n_patches: int
    ) -> Float[Tensor, "b frame patch f"]:
        """The inverse of `gather`; patches that were not chosen hold zeros."""
        chosen = tokens.unflatten(1, (n_frames, -1)) * self.is_chosen[:, None, :, None]
        index = self.index[:, None, :, None].expand(-1, n_frames, -1, tokens.shape[2])
        empty = tokens.new_zeros(len(tokens), n_frames, n_patches, tokens.shape[2])
        return empty.scatter_add(2, index, chosen)

    def token_mask(self, n_frames: int) -> Bool[Tensor, "b n"]:
        """True for real tokens, in the order of `gather`."""
        return self.is_chosen.repeat(1, n_frames)


def choose_patches(occupied: Bool[Tensor, "b cells"], config: TraceGenConfig) -> PatchChoice:
    """The patches with at least one occupied cell, in ascending order."""
    n_side, side = config.grid_size // config.grid_patch, config.grid_patch
    has_cell = occupied.unflatten(1, (n_side, side, n_side, side)).any(4).any(2).flatten(1)
    n_longest = max(int(has_cell.sum(1).max()), 1)
    order = torch.argsort(has_cell.int(), dim=1, descending=True, stable=True)[:, :n_longest]
    return PatchChoice(order, has_cell.gather(1, order))
