"""A one-dimensional U-Net over the steps of a chunk: noisy actions and a condition -> the noise in them.

    actions ── level 0 ─────────────────────────────────────────────┐ level 0 ── noise
                 └ half ── level 1 ───────────────────┐ level 1 ── twice
                             └ half ── level 2 ── middle ── twice

Every residual block reads scale and shift of its channels from the condition (FiLM).

Shape suffixes (docs/conventions.md)
    B batch   C channels   S steps of the chunk

Sources
    arXiv:2303.04137 (conditional U-Net), its kernel sizes and Mish; FiLM: arXiv:1709.07871.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

KERNEL = 5
GROUPS = 8
LEVELS = 3
STEP_MULTIPLE = 2 ** (LEVELS - 1)
"""A chunk is halved this often, and has to come back to its length."""


def _convolution(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(channels_in, channels, KERNEL, padding=KERNEL // 2),
        nn.GroupNorm(GROUPS, channels),
        nn.Mish(),
    )


class FilmBlock(nn.Module):
    """Two convolutions beside a shortcut; the condition scales and shifts what is between them."""

    def __init__(self, channels_in: int, channels: int, condition_width: int) -> None:
        super().__init__()
        self.first = _convolution(channels_in, channels)
        self.film = nn.Sequential(nn.Mish(), nn.Linear(condition_width, 2 * channels))
        self.second = _convolution(channels, channels)
        self.shortcut = (
            nn.Identity() if channels_in == channels else nn.Conv1d(channels_in, channels, kernel_size=1)
        )

    def forward(
        self, x: Float[Tensor, "b c_in s"], condition: Float[Tensor, "b width"]
    ) -> Float[Tensor, "b c s"]:
        """Channels of the block."""
        scale, shift = self.film(condition)[..., None].chunk(2, dim=1)
        return self.shortcut(x) + self.second(self.first(x) * (1 + scale) + shift)


class Level(nn.Module):
    """Two residual blocks at one length of the chunk."""

    def __init__(self, channels_in: int, channels: int, condition_width: int) -> None:
        super().__init__()
        self.first = FilmBlock(channels_in, channels, condition_width)
        self.second = FilmBlock(channels, channels, condition_width)

    def forward(
        self, x: Float[Tensor, "b c_in s"], condition: Float[Tensor, "b width"]
    ) -> Float[Tensor, "b c s"]:
        """One block after the other."""
        return self.second(self.first(x, condition), condition)


class ChunkUnet(nn.Module):
    """See the module's picture.

    Args:
        action_dim: Numbers of an action.
        width: Channels of the middle level; the first has half of them, the last twice as many.
        condition_width: Numbers of the condition.
    """

    def __init__(self, action_dim: int, width: int, condition_width: int) -> None:
        super().__init__()
        channels = [width // 2, width, 2 * width]
        self.down = nn.ModuleList(Level(a, b, condition_width) for a, b in pairwise([action_dim, *channels]))
        self.shorten = nn.ModuleList(nn.Conv1d(c, c, 3, stride=2, padding=1) for c in channels[:-1])
        self.middle = Level(channels[-1], channels[-1], condition_width)
        upwards = list(pairwise(reversed(channels)))
        self.lengthen = nn.ModuleList(nn.ConvTranspose1d(a, b, 4, stride=2, padding=1) for a, b in upwards)
        self.up = nn.ModuleList(Level(2 * b, b, condition_width) for _, b in upwards)
        self.out = nn.Sequential(
            _convolution(channels[0], channels[0]), nn.Conv1d(channels[0], action_dim, kernel_size=1)
        )

    def forward(
        self, actions: Float[Tensor, "b s action"], condition: Float[Tensor, "b width"]
    ) -> Float[Tensor, "b s action"]:
        """The noise in `actions`; their number is a multiple of `STEP_MULTIPLE`."""
        x, beside = actions.transpose(1, 2), []
        for number, level in enumerate(self.down):
            x = level(x if number == 0 else self.shorten[number - 1](x), condition)
            beside.append(x)
        x = self.middle(x, condition)
        for lengthen, level in zip(self.lengthen, self.up, strict=True):
            beside.pop()
            x = level(torch.cat([lengthen(x), beside[-1]], dim=1), condition)
        return self.out(x).transpose(1, 2)
