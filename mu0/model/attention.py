"""Attention with rotary positions: the three functions that prefix and expert share.

Shape suffixes (docs/conventions.md)
    B batch   N tokens   H heads   E channels per head   M = N or 1 (rows of a mask)

Rotary positions rotate channel pairs (e, e + E/2) by position / base**(2e/E), in float32. The base is 10000
for every layer whatever the backbone was trained with: the release does so, and its weights need it.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional


def rotate(
    x_BHNE: Float[Tensor, "b h n e"], position_BM: Int[Tensor, "b m"], base: float
) -> Float[Tensor, "b h n e"]:
    """Rotary position embedding, half-split layout; position 0 is the identity, one may serve all."""
    half = x_BHNE.shape[-1] // 2
    rate_E = base ** (-torch.arange(half, device=x_BHNE.device, dtype=torch.float32) / half)
    angle_B1NE = (position_BM[..., None].float() * rate_E)[:, None]
    cos, sin = angle_B1NE.cos(), angle_B1NE.sin()
    first, second = x_BHNE.float().split(half, dim=-1)
    turned = torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
    return turned.to(x_BHNE.dtype)


def attend(
    query_BHNE: Float[Tensor, "b h n e"],
    key_BGKE: Float[Tensor, "b g k e"],
    value_BGKE: Float[Tensor, "b g k e"],
    mask_B1MK: Bool[Tensor, "b 1 m k"],
) -> Float[Tensor, "b h n e"]:
    """Scaled dot-product attention; fewer key heads than query heads are shared in groups.

    The mask is True where a query may look; every row must allow at least one key.
    """
    n_shared = query_BHNE.shape[1] // key_BGKE.shape[1]
    if n_shared > 1:
        key_BGKE = key_BGKE.repeat_interleave(n_shared, dim=1)
        value_BGKE = value_BGKE.repeat_interleave(n_shared, dim=1)
    return functional.scaled_dot_product_attention(query_BHNE, key_BGKE, value_BGKE, attn_mask=mask_B1MK)


def split_heads(x_BNW: Float[Tensor, "b n w"], head_width: int) -> Float[Tensor, "b h n e"]:
    """Channels -> heads."""
    return x_BNW.unflatten(-1, (-1, head_width)).transpose(1, 2)


def join_heads(x_BHNE: Float[Tensor, "b h n e"]) -> Float[Tensor, "b n w"]:
    """Heads -> channels."""
    return x_BHNE.transpose(1, 2).flatten(2)
