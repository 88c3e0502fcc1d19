"""Conditional flow matching on control points, and the Euler solver that samples from it.

Time runs as in the release, everywhere in mu0: τ = 1 is noise, τ = 0 is data, x_τ = τ ε + (1 - τ) P, and the
velocity ε - P points towards the noise. The solver walks τ = 1, 1 - 1/K, ..., 1/K and subtracts v / K.

Source: arXiv:2210.02747; Beta(1.5, 1) times from arXiv:2410.24164.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

BETA = 1.5
TAU_MIN = 0.001
DATA_STD = 0.5  # of scaled displacements, whose 95th percentile is 1


def sample_times(shape: tuple[int, ...], generator: torch.Generator) -> Float[Tensor, "*batch"]:
    """τ = 0.999 b + 0.001 with b ~ Beta(1.5, 1), whose inverse distribution function is u^(1/1.5)."""
    uniform = torch.rand(shape, generator=generator)
    return (1 - TAU_MIN) * uniform ** (1 / BETA) + TAU_MIN


def interpolate(
    data: Float[Tensor, "b *rest"], noise: Float[Tensor, "b *rest"], tau: Float[Tensor, "b *times"]
) -> Float[Tensor, "b *rest"]:
    """The point at τ on the straight path from data to noise; τ broadcasts over trailing axes."""
    tau = tau.reshape(*tau.shape, *([1] * (data.ndim - tau.ndim)))
    return tau * noise + (1 - tau) * data


def clean_estimate(
    noisy: Float[Tensor, "b *rest"], velocity: Float[Tensor, "b *rest"], tau: Float[Tensor, "b *times"]
) -> Float[Tensor, "b *rest"]:
    """The data that a velocity implies: x - τ v."""
    return noisy - tau.reshape(*tau.shape, *([1] * (noisy.ndim - tau.ndim))) * velocity


def skip_gain(tau: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """The g with which g x is the best linear guess of the velocity; 1 at τ = 1, -1 at τ = 0.

    The network then adds what the data know and need not carry the noise through, which matters when a token
    holds many numbers. Source: preconditioning of arXiv:2206.00364, for straight paths.
    """
    noise, data = tau.square(), ((1 - tau) * DATA_STD).square()
    return (tau - (1 - tau) * DATA_STD**2) / (noise + data)


def guide(
    conditional: Float[Tensor, "*shape"], unconditional: Float[Tensor, "*shape"], scale: float
) -> Float[Tensor, "*shape"]:
    """Classifier-free guidance (arXiv:2207.12598): walk on from the unconditional past the conditional."""
    return conditional if scale == 1 else unconditional + scale * (conditional - unconditional)


def euler(
    velocity: Callable[[Tensor, float], Tensor], noise: Float[Tensor, "*shape"], n_steps: int
) -> Float[Tensor, "*shape"]:
    """Integrate from τ = 1 to 0 in equal steps."""
    x = noise
    for step in range(n_steps):
        x = x - velocity(x, 1 - step / n_steps) / n_steps
    return x
