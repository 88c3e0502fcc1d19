"""Which of several action chunks an expert finds likely: noise it again, and see how well it is foreseen.

    context (once) ── N chunks ── noised to the times of a score ── velocity ── weighted error: the least wins

The score of τ0-WM, on any expert that learned by flow matching; nothing is trained for it. It measures how
typical a chunk is and not whether it will succeed: the motion most often seen wins, also where it is wrong.

`RELEASED` is the score of the release: one time, one noise. `BALANCED` takes four times, weighted so that the
sum bounds the log-likelihood, and every noise with both signs, which cancels what a single noise adds to the
error of each candidate. All candidates share the noise, so that only the chunks differ.

Sources
    Re-denoising consistency: τ0-WM (reference/tau0.md §4.1 to 4.4, exact values §9.6).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mu0.errors import PolicyError
from mu0.policy.action_expert import AbstractExpert, ActionExpert, PolicyInputs
from mu0.policy.flow import VelocityField, integrate


@dataclass(frozen=True)
class Score:
    """At which flow times a chunk is looked at (1 is noise), and whether every noise comes with its negative.

    Times count by (1 - τ) / τ, normalised: the weights of the bound on the log-likelihood.
    """

    times: tuple[float, ...]
    both_signs: bool

    @property
    def weights(self) -> tuple[float, ...]:
        """Of the times; their sum is 1."""
        raw = [(1 - tau) / tau for tau in self.times]
        return tuple(one / sum(raw) for one in raw)


RELEASED = Score((0.6,), both_signs=False)
BALANCED = Score((0.2, 0.4, 0.6, 0.8), both_signs=True)


@dataclass(frozen=True)
class Choice:
    """The chosen chunk, normalised, and the scores of all candidates; -inf where one was not finite."""

    chunk: Float[Tensor, "s action"]
    scores: Float[Tensor, " n"]


def consistency(
    field: VelocityField,
    chunks: Float[Tensor, "n s action"],
    noise: Float[Tensor, "s action"],
    score: Score = BALANCED,
) -> Float[Tensor, " n"]:
    """How consistent each chunk is with a field: minus the mean squared error of its velocity.

    Args:
        field: Of the expert, for one observation.
        chunks: Candidates, normalised.
        noise: That all of them share.
        score: At which times, and with which signs.
    """
    noises = torch.stack([noise, -noise]) if score.both_signs else noise[None]
    tau = torch.tensor(score.times, dtype=chunks.dtype, device=chunks.device)
    clean = chunks[:, None, None]
    mixed = tau[:, None, None, None] * noises + (1 - tau[:, None, None, None]) * clean
    n_each = len(tau) * len(noises)
    times = tau[:, None].expand(-1, len(noises)).reshape(-1).repeat(len(chunks))
    velocity = field(mixed.reshape(len(chunks) * n_each, *chunks.shape[1:]), times).reshape(mixed.shape)
    error = (velocity - (noises - clean)).square().flatten(3).mean(dim=(2, 3))
    weights = torch.tensor(score.weights, dtype=chunks.dtype, device=chunks.device)
    return -(error * weights).sum(dim=1)


def choose(
    expert: ActionExpert,
    inputs: PolicyInputs,
    generator: torch.Generator,
    n_candidates: int,
    score: Score = BALANCED,
) -> Choice:
    """Draw candidates for one observation and take the most consistent one; what is not finite never wins.

    Args:
        expert: That `require_scores` let pass.
        inputs: Of one observation.
        generator: Of the CPU; draws first the noise of the candidates, then that of the score.
        n_candidates: At least one.
        score: By which they are compared.
    """
    context, config = expert.encode(inputs), expert.config
    shape = config.chunk_len, config.action_dim
    device = context.condition.device
    starts = torch.randn(n_candidates, *shape, generator=generator).to(device)
    noise = torch.randn(shape, generator=generator).to(device)

    def field(x: Float[Tensor, "m s action"], tau: Float[Tensor, " m"]) -> Float[Tensor, "m s action"]:
        return expert.velocity(context, x, tau)

    chunks = integrate(field, starts, config.euler_steps)
    scores = consistency(field, chunks, noise, score)
    scores = torch.where(scores.isfinite(), scores, -torch.inf)
    return Choice(chunks[int(scores.argmax())], scores)


def require_scores(expert: AbstractExpert) -> ActionExpert:
    """The expert, if its chunks can be compared.

    Raises:
        PolicyError: It has no field of velocities over actions: another objective, or another architecture.
    """
    if isinstance(expert, ActionExpert) and expert.config.objective == "flow":
        return expert
    raise PolicyError(
        f"The expert {expert.config.variant} with the objective {expert.config.objective} has no score.",
        expected="an action expert that learned by flow matching",
        remedy="set ur3_report.best_of to 1 in params.yaml, or take another variant.",
    )
