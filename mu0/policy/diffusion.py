"""Denoising diffusion over action chunks: noise is added in many small steps, and a network says which noise.

    x_k = sqrt(a_k) * data + sqrt(1 - a_k) * noise        k = 0 (nearly data) .. N_STEPS - 1 (noise)

a_k, the share of the data's variance that is left, falls as a squared cosine. Training draws one step per
row; the robot takes a few of them only and draws no noise on the way (DDIM), so equal noise gives equal
actions. This is not the flow time of `mu0.policy.flow`: steps are whole numbers.

Sources
    Objective: arXiv:2006.11239. Squared cosine: arXiv:2102.09672. DDIM: arXiv:2010.02502, steps evenly spaced
    from 0 on, as diffusion policy has them (arXiv:2303.04137).
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

NoiseGuess = Callable[[Tensor, Tensor], Tensor]
"""(x (n, step, action), k (n,)) -> noise (n, step, action)."""
N_STEPS = 100
OFFSET = 0.008
"""Keeps the first steps from being too small to notice."""
MOST_NOISE = 0.999
"""Largest share of the variance that one step replaces: the last one leaves a trace of the data."""
LIMIT = 1.0
"""Data lie within +- this, and guesses of them are cut there: near the noise a small error is a large one."""


def variance_left(n_steps: int = N_STEPS) -> Float[Tensor, " k"]:
    """a_k of every step, float64."""
    share = torch.arange(n_steps + 1, dtype=torch.float64) / n_steps
    cosine = torch.cos((share + OFFSET) / (1 + OFFSET) * math.pi / 2) ** 2
    replaced = (1 - cosine[1:] / cosine[:-1]).clamp(max=MOST_NOISE)
    return (1 - replaced).cumprod(0)


def noise_loss(
    guess: NoiseGuess, data: Float[Tensor, "n step action"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Mean squared error of the guessed noise at one random step per row; zero for who knows the noise.

    The generator is one of the CPU, so that a seed means the same on every device.
    """
    noise = torch.randn(data.shape, generator=generator)
    step = torch.randint(0, N_STEPS, (len(data),), generator=generator)
    left = variance_left()[step].float().to(data.device)[:, None, None]
    noise, step = noise.to(data.device), step.to(data.device)
    x = left.sqrt() * data + (1 - left).sqrt() * noise
    return (guess(x, step) - noise).square().mean()


def denoise(
    guess: NoiseGuess, noise: Float[Tensor, "n step action"], n_steps: int
) -> Float[Tensor, "n step action"]:
    """DDIM from noise to data.

    Args:
        guess: The trained network.
        noise: What to begin with.
        n_steps: Of `N_STEPS`, evenly spaced.
    """
    every, x = N_STEPS // n_steps, noise
    left = torch.cat([variance_left()[: n_steps * every : every], torch.ones(1, dtype=torch.float64)])
    for i in reversed(range(n_steps)):
        now, before = float(left[i]), float(left[i - 1])  # before the first step, i - 1 = -1, all is data
        eps = guess(x, torch.full((len(x),), i * every, device=x.device))
        data = ((x - (1 - now) ** 0.5 * eps) / now**0.5).clamp(-LIMIT, LIMIT)
        x = before**0.5 * data + (1 - before) ** 0.5 * eps
    return x
