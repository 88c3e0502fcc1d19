"""Fixed embeddings of TraceGen: where and when a trace token is, and how noisy it is.

Source: reference/tracegen_tau0_pi0_lerobot.md A.4; check values in its E.7.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

SPATIAL_SCALE = 1.875
BASE = 10000.0
TIME_UNITS = 100.0  # noise levels were counted from 0 to 99 in the published code


def grid_positions(n_frames: int, n_side: int, width: int) -> Float[Tensor, "frame patch width"]:
    """Sines and cosines: a quarter of the channels for the frame, three eighths each for column and row."""
    frame, row, column = torch.meshgrid(
        torch.arange(n_frames, dtype=torch.float64),
        torch.arange(n_side, dtype=torch.float64) / SPATIAL_SCALE,
        torch.arange(n_side, dtype=torch.float64) / SPATIAL_SCALE,
        indexing="ij",
    )
    spatial = 3 * width // 8
    parts = [_waves(frame, width - 2 * spatial), _waves(column, spatial), _waves(row, spatial)]
    return torch.cat(parts, dim=-1).flatten(1, 2).float()


def _waves(place: Float[Tensor, "frame row column"], width: int) -> Float[Tensor, "frame row column width"]:
    rate = BASE ** (-torch.arange(width // 2, dtype=torch.float64) / (width / 2))
    angle = place[..., None] * rate
    return torch.cat([angle.sin(), angle.cos()], dim=-1)


def noise_level_waves(tau: Float[Tensor, " b"], width: int) -> Float[Tensor, "b width"]:
    """Cosines, then sines, of the noise level in hundredths."""
    half = width // 2
    rate = torch.exp(-math.log(BASE) * torch.arange(half, device=tau.device, dtype=torch.float32) / half)
    angle = TIME_UNITS * tau[:, None] * rate
    return torch.cat([angle.cos(), angle.sin()], dim=-1)
