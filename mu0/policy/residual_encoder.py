"""A small residual network that turns a picture into places, trained with whoever reads them.

    picture ── halved ── three residual blocks, each halving ── heat maps ── softmax means (u, v)

As in a ResNet, but with group normalisation, which an average of weights does not disturb, and with a spatial
softmax in the place of the mean over the map, which would forget where things are.

Sources
    Both changes: arXiv:2303.04137. Residual blocks: arXiv:1512.03385. Spatial softmax: arXiv:1504.00702.
"""

from itertools import pairwise

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from mu0.policy.wrist_encoder import rounded

GROUPS = 8


def _convolution(channels_in: int, channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False), nn.GroupNorm(GROUPS, channels)
    )


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; the first may halve the map."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            _convolution(channels_in, channels, stride), nn.ReLU(), _convolution(channels, channels, 1)
        )
        self.shortcut = (
            nn.Identity()
            if channels_in == channels and stride == 1
            else nn.Conv2d(channels_in, channels, kernel_size=1, stride=stride)
        )

    def forward(self, x: Float[Tensor, "b c_in h_in w_in"]) -> Float[Tensor, "b c h w"]:
        """The map, halved where the stride is 2."""
        return torch.relu(self.convolutions(x) + self.shortcut(x))


class SpatialSoftmax(nn.Module):
    """Where on a map each of some learned heat maps has its mean."""

    def __init__(self, channels: int, n_keypoints: int) -> None:
        super().__init__()
        self.heat = nn.Conv2d(channels, n_keypoints, kernel_size=1)

    def forward(self, feature_map: Float[Tensor, "b c h w"]) -> Float[Tensor, "b two_k"]:
        """All u, then all v, in [-1, 1]: the centres of the first and of the last cell."""
        heat = self.heat(feature_map)
        weight = heat.flatten(2).softmax(-1).unflatten(-1, heat.shape[-2:])
        u = torch.linspace(-1, 1, heat.shape[-1]).to(heat)
        v = torch.linspace(-1, 1, heat.shape[-2]).to(heat)
        return torch.cat([(weight.sum(2) * u).sum(-1), (weight.sum(3) * v).sum(-1)], dim=-1)


class ResidualEncoder(nn.Module):
    """Picture -> places; see the module's picture.

    Args:
        width: Channels of the last block; those before have half and a quarter.
        n_keypoints: Heat maps.
    """

    def __init__(self, width: int, n_keypoints: int) -> None:
        super().__init__()
        quarter, half = width // 4, width // 2
        self.layers = nn.Sequential(
            nn.Conv2d(3, quarter, 5, 2, 2),
            nn.GroupNorm(GROUPS, quarter),
            nn.ReLU(),
            *(ResidualBlock(a, b, stride=2) for a, b in pairwise((quarter, quarter, half, width))),
        )
        self.places = SpatialSoftmax(width, n_keypoints)

    def forward(self, pictures: UInt8[Tensor, "b 3 h w"]) -> Float[Tensor, "b two_k"]:
        """Places of all heat maps; any size of picture of 16 px and more."""
        x = pictures.float() / 127.5 - 1
        with rounded(x.device, self.training):
            x = self.layers(x)
        return self.places(x.float())
