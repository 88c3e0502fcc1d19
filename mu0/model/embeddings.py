"""Fixed embeddings: where a keypoint is, and how noisy its control points are.

Time runs as in the release: τ = 1 is pure noise, τ = 0 is data, and the sampler walks from 1 to 0.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

MIN_PERIOD = 4e-3
MAX_PERIOD = 4.0


def fourier_uv(uv: Float[Tensor, "*batch 2"], n_frequencies: int) -> Float[Tensor, "*batch features"]:
    """Sines, then cosines, of π 2^k u, followed by the same of v."""
    frequency = math.pi * 2.0 ** torch.arange(n_frequencies, device=uv.device, dtype=uv.dtype)
    angle = uv[..., None] * frequency
    return torch.cat([angle.sin(), angle.cos()], dim=-1).flatten(-2)


def time_sinusoid(tau: Float[Tensor, "*batch"], n_features: int) -> Float[Tensor, "*batch features"]:
    """Sines, then cosines, of 2π τ / period with periods from 4e-3 to 4, evenly spaced in the logarithm."""
    share = torch.linspace(0, 1, n_features // 2, device=tau.device, dtype=torch.float64)
    period = MIN_PERIOD * (MAX_PERIOD / MIN_PERIOD) ** share
    angle = 2 * math.pi * tau[..., None].double() / period
    return torch.cat([angle.sin(), angle.cos()], dim=-1).float()
