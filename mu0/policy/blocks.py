"""The transformer blocks of the action expert.

Time conditions the expert through adaLN-Zero: every block reads scale, shift and gate from the condition and
starts as the identity. Keys and values of the cross-attention are computed once per context, however many
noise draws share it (`draws`): that halves the cost of a training step.

Shape suffixes (docs/conventions.md)
    B contexts   K noise draws per context   S steps of the chunk   P context tokens   W width

Sources
    adaLN-Zero: arXiv:2212.09748. Time features: openpi (periods 4e-3 .. 4, geometric).
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

MIN_PERIOD = 4e-3
MAX_PERIOD = 4.0


def time_features(tau: Float[Tensor, " n"], width: int) -> Float[Tensor, "n width"]:
    """Sines and cosines of the flow time at geometric periods."""
    periods = torch.exp(torch.linspace(math.log(MIN_PERIOD), math.log(MAX_PERIOD), width // 2))
    angle = 2 * math.pi * tau[:, None] / periods.to(tau)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def mlp(width_in: int, width: int, width_out: int) -> nn.Sequential:
    """Two layers with GELU."""
    return nn.Sequential(nn.Linear(width_in, width), nn.GELU(), nn.Linear(width, width_out))


class Attention(nn.Module):
    """Multi-head attention; self-attention when no context is given."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def _split(self, x: Float[Tensor, "b n w"]) -> Float[Tensor, "b h n d"]:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(
        self,
        x: Float[Tensor, "b n w"],
        context: Float[Tensor, "b p w"] | None = None,
        context_mask: Bool[Tensor, "b p"] | None = None,
    ) -> Float[Tensor, "b n w"]:
        """Attend from `x` to `context` where `context_mask` is true."""
        key, value = self.key_value(x if context is None else context).chunk(2, dim=-1)
        mask = None if context_mask is None else context_mask[:, None, None, :]
        mixed = functional.scaled_dot_product_attention(
            self._split(self.query(x)), self._split(key), self._split(value), attn_mask=mask
        )
        return self.out(mixed.transpose(1, 2).flatten(2))


class ContextBlock(nn.Module):
    """Pre-norm self-attention over the context tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = mlp(width, 2 * width, width)

    def forward(self, x: Float[Tensor, "b p w"], mask: Bool[Tensor, "b p"]) -> Float[Tensor, "b p w"]:
        """Mix the tokens; padded ones are never attended to."""
        y = self.norm_attention(x)
        x = x + self.attention(y, y, mask)
        return x + self.mlp(self.norm_mlp(x))


class ExpertBlock(nn.Module):
    """adaLN-Zero block: the steps of a chunk attend to each other, then to the context."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.attention = Attention(width, heads)
        self.norm_cross = nn.LayerNorm(width)
        self.cross = Attention(width, heads)
        self.mlp = mlp(width, 2 * width, width)
        self.modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(
        self,
        x: Float[Tensor, "bk s w"],
        condition: Float[Tensor, "bk w"],
        context: Float[Tensor, "b p w"],
        mask: Bool[Tensor, "b p"],
    ) -> Float[Tensor, "bk s w"]:
        """`bk` runs over contexts first, then draws: row b * K + k belongs to context b."""
        modulation = self.modulation(functional.silu(condition))[:, None]
        shift_a, scale_a, gate_a, shift_m, scale_m, gate_m = modulation.chunk(6, dim=-1)
        x = x + gate_a * self.attention(self.norm(x) * (1 + scale_a) + shift_a)
        query = self.norm_cross(x).reshape(len(context), -1, x.shape[-1])  # draws share keys and values
        x = x + self.cross(query, context, mask).reshape(x.shape)
        return x + gate_m * self.mlp(self.norm(x) * (1 + scale_m) + shift_m)
