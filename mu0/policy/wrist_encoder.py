"""From images and token grids to numbers that say *where*.

A policy fails by centimetres, so position must survive the encoder. Two readouts keep it: tokens that are
flattened (each keeps its own weights, so its place is known) and *named keypoints*: learned heat maps, shaped
by the words, whose softmax mean is a coordinate with sub-cell resolution.

Sources
    Soft keypoints (spatial softmax): arXiv:1504.00702. Flattened readout: docs/experiments.md.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from mu0.hardware.bfloat16 import has_fast_bfloat16

GROUPS = 8
HEAT_CHANNELS = 64
SHARPNESS = 8.0
"""Heat maps start peaked: nearly uniform ones all say "the middle" and learn slowly."""
SHIFT_PX = 3


def random_shift(
    images: UInt8[Tensor, "b 3 h w"], generator: torch.Generator, shift_px: int = SHIFT_PX
) -> UInt8[Tensor, "b 3 h w"]:
    """Shift each image by up to `shift_px` pixels, edges repeated (DrQ augmentation)."""
    n, _, height, width = images.shape
    offsets = torch.randint(0, 2 * shift_px + 1, (n, 2), generator=generator)
    rows = (torch.arange(height) + offsets[:, :1] - shift_px).clamp(0, height - 1)
    columns = (torch.arange(width) + offsets[:, 1:] - shift_px).clamp(0, width - 1)
    each = torch.arange(n)[:, None, None]
    return images.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def rounded(device: torch.device, training: bool) -> AbstractContextManager[object]:  # noqa: FBT001
    """Convolutions in bfloat16 inside of it, in training and where the machine is faster with it."""
    if training and has_fast_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def _stage(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride, 1), nn.GroupNorm(GROUPS, channels), nn.GELU()
    )


class NamedKeypoints(nn.Module):
    """Where on a feature map is what the words name: learned heat maps whose softmax means are coordinates.

    Each heat map is the agreement of the map's features with a vector that the words shape, so that "the red
    apple" and "the blue can" look at different places of the same picture.
    """

    def __init__(self, channels: int, n_keypoints: int, text_width: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _stage(channels, HEAT_CHANNELS, 1), nn.Conv2d(HEAT_CHANNELS, HEAT_CHANNELS, 1)
        )
        self.looked_for = nn.Parameter(torch.randn(n_keypoints, HEAT_CHANNELS))
        self.named = nn.Linear(text_width, n_keypoints * HEAT_CHANNELS)

    def forward(
        self, feature_map: Float[Tensor, "b c h w"], text: Float[Tensor, "b text"]
    ) -> Float[Tensor, "b two_k"]:
        """Mean u and v in [-1, 1] of every heat map."""
        with rounded(feature_map.device, self.training):
            features = self.features(feature_map)
        features = features.float()
        query = self.looked_for + self.named(text).unflatten(1, self.looked_for.shape)
        heat = SHARPNESS * query @ features.flatten(2) / HEAT_CHANNELS**0.5
        weight = heat.softmax(-1).unflatten(-1, features.shape[-2:])
        u = torch.linspace(-1, 1, features.shape[-1]).to(features)
        v = torch.linspace(-1, 1, features.shape[-2]).to(features)
        return torch.cat([(weight.sum(2) * u).sum(-1), (weight.sum(3) * v).sum(-1)], dim=-1)


class WristEncoder(nn.Module):
    """A trained convolutional stem: image -> 4x4 tokens and soft keypoints.

    bfloat16 is used in training, for the convolutions only (at these widths it makes attention slower), and
    only where the machine is faster with it.
    """

    SIDE_PX = 64  # of the square image, which the strides turn into 4x4 tokens

    def __init__(self, width: int, n_keypoints: int) -> None:
        super().__init__()
        self.fine = nn.Sequential(nn.PixelUnshuffle(4), _stage(48, 64, 1))
        self.coarse = nn.Sequential(_stage(64, width, 2), nn.Conv2d(width, width, 3, 2, 1))
        self.keypoints = NamedKeypoints(64, n_keypoints, width)

    def forward(
        self, images: UInt8[Tensor, "b 3 h w"], text: Float[Tensor, "b text"]
    ) -> tuple[Float[Tensor, "b tokens width"], Float[Tensor, "b two_k"]]:
        """Tokens in row-major order, and keypoint positions."""
        x = images.float() / 127.5 - 1
        with rounded(x.device, self.training):
            fine = self.fine(x)
            tokens = self.coarse(fine)
        return tokens.float().flatten(2).transpose(1, 2), self.keypoints(fine.float(), text)


class GridReadout(nn.Module):
    """A square grid of tokens -> 4x4 tokens that keep their places."""

    SIDE = 4

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 3, 1, 1)

    def forward(self, tokens: Float[Tensor, "b n width"]) -> Float[Tensor, "b tokens width"]:
        """Grids of another size than 4x4 are averaged or repeated."""
        side = round(tokens.shape[1] ** 0.5)
        grid = self.mix(functional.gelu(tokens.transpose(1, 2).unflatten(-1, (side, side))))
        if side != self.SIDE:
            grid = functional.interpolate(grid, (self.SIDE, self.SIDE), mode="bilinear", antialias=True)
        return grid.flatten(2).transpose(1, 2)
