"""The first layers of the vision tower: plain patches, or a few convolutions for small models.

The convolutional stem gives the same grid of patch tokens (16 px apart) and, on the way, a map twice as fine
whose bilinear samples tell a keypoint what it sits on. Small models trained from scratch localise far better
with it than with bare patches.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mu0.hardware.bfloat16 import has_fast_bfloat16

UNSHUFFLE = 4
GROUPS = 8


def _convolution(n_in: int, n_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel_size=3, stride=stride, padding=1),
        nn.GroupNorm(GROUPS, n_out),
        nn.GELU(),
    )


class PatchStem(nn.Module):
    """Non-overlapping patches, as SigLIP has them; there is no fine map."""

    def __init__(self, width: int, patch_px: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(3, width, kernel_size=patch_px, stride=patch_px)

    def forward(self, image: Float[Tensor, "b 3 s s"]) -> tuple[Float[Tensor, "b n width"], None]:
        """Patch tokens in row order."""
        return self.projection(image).flatten(2).mT, None


class ConvStem(nn.Module):
    """Image -> fine map (8 px apart) -> patch tokens (16 px apart)."""

    def __init__(self, width: int, fine_width: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            nn.PixelUnshuffle(UNSHUFFLE),
            _convolution(3 * UNSHUFFLE**2, fine_width, stride=2),
            _convolution(fine_width, fine_width, stride=1),
        )
        self.coarse = nn.Conv2d(fine_width, width, kernel_size=3, stride=2, padding=1)

    def forward(
        self, image: Float[Tensor, "b 3 s s"]
    ) -> tuple[Float[Tensor, "b n width"], Float[Tensor, "b c fine fine"]]:
        """Patch tokens in row order, and the fine map."""
        with torch.autocast(image.device.type, torch.bfloat16, enabled=has_fast_bfloat16(image.device)):
            fine_map = self.fine(image.contiguous(memory_format=torch.channels_last))
            patches = self.coarse(fine_map)
        return patches.float().flatten(2).mT, fine_map.float()
