"""Conditional flow matching over action chunks: straight paths from noise to actions.

Time convention, the same as the world model's and openpi's: tau = 1 is noise, tau = 0 is data,
x = tau * noise + (1 - tau) * data, and the field to learn is noise - data. Times are drawn with emphasis on
noise: tau = 0.999 * Beta(1.5, 1) + 0.001.

Sources
    Flow matching: arXiv:2210.02747. Times and solver: openpi (reference/tracegen_tau0_pi0_lerobot.md C.1).
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

VelocityField = Callable[[Tensor, Tensor], Tensor]
"""(x (n, step, action), tau (n,)) -> velocity (n, step, action)."""


def draw_times(n: int, generator: torch.Generator) -> Float[Tensor, " n"]:
    """Flow times; u ** (2/3) is the inverse distribution function of Beta(1.5, 1)."""
    return 0.999 * torch.rand(n, generator=generator) ** (2 / 3) + 0.001


def flow_matching_loss(
    field: VelocityField, data: Float[Tensor, "n step action"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Mean squared velocity error at one random time per row; zero for the exact field.

    The generator is one of the CPU, so that a seed means the same on every device.
    """
    noise = torch.randn(data.shape, generator=generator).to(data.device)
    tau = draw_times(len(data), generator).to(data.device)
    x = tau[:, None, None] * noise + (1 - tau[:, None, None]) * data
    return (field(x, tau) - (noise - data)).square().mean()


def integrate(
    field: VelocityField, noise: Float[Tensor, "n step action"], n_steps: int
) -> Float[Tensor, "n step action"]:
    """Euler from tau = 1 (noise) to tau = 0 (actions) in `n_steps` equal steps."""
    x = noise
    for i in range(n_steps):
        tau = torch.full((len(x),), 1 - i / n_steps, device=x.device)
        x = x - field(x, tau) / n_steps
    return x
