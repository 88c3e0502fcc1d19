"""How far away a keypoint is, as an input: the release lets it see the image position only.

The logarithm of the depth, scaled so that 0.1 m is -1 and 10 m is 1, as Fourier features; a keypoint whose
depth is unknown gets a learned vector instead. Both start at zero, like the embedding of u and v.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

NEAR_M, FAR_M = 0.1, 10.0
MIN_DEPTH_M = 1e-3


class AnchorDepth(nn.Module):
    """Embeds anchor depths; 0 means unknown."""

    def __init__(self, n_frequencies: int, width: int) -> None:
        super().__init__()
        self.n_frequencies = n_frequencies
        last = nn.Linear(width, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.mlp = nn.Sequential(nn.Linear(2 * n_frequencies + 1, width), nn.SiLU(), last)
        self.unknown = nn.Parameter(torch.zeros(width))

    def forward(self, z_m: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch w"]:
        """One vector per depth."""
        is_known = z_m > MIN_DEPTH_M
        embedded = self.mlp(depth_features(torch.where(is_known, z_m, 1.0), self.n_frequencies))
        return torch.where(is_known[..., None], embedded, self.unknown)


def depth_features(z_m: Float[Tensor, "*batch"], n_frequencies: int) -> Float[Tensor, "*batch features"]:
    """The scaled logarithm l, then sines, then cosines of π 2^k l."""
    middle, half = math.log(NEAR_M * FAR_M) / 2, math.log(FAR_M / NEAR_M) / 2
    level = ((z_m.log() - middle) / half)[..., None]
    angle = level * math.pi * 2.0 ** torch.arange(n_frequencies, device=z_m.device, dtype=z_m.dtype)
    return torch.cat([level, angle.sin(), angle.cos()], dim=-1)
