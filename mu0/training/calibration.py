"""Calibrates P(moves): one temperature for all keypoints, fitted on windows that training has not seen.

    P(moves) = sigmoid(logit / temperature)

The logits are those of pure noise (τ = 1), as when predicting; half of the batches hide the past. The
temperature with the smallest cross-entropy on a fixed list of candidates is kept in the checkpoint.

Source
    Temperature scaling: arXiv:1706.04599.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from mu0.dataset.batch import TraceBatch
from mu0.model.world_model import TraceWorldModel
from mu0.training.step import step_generator

CANDIDATES = 161
LOWEST, HIGHEST = 0.2, 10.0


@torch.no_grad()
def calibrate_moves(model: TraceWorldModel, batches: Sequence[TraceBatch], seed: int) -> dict[str, float]:
    """Set the temperature of `model`; returns it with what was measured, or nothing without that head."""
    if model.moves_head is None or not batches:
        return {}
    model.eval()
    parts = [_logits(model, batch, seed, number) for number, batch in enumerate(batches)]
    logits, moves = torch.cat([one for one, _ in parts]), torch.cat([one for _, one in parts])
    temperatures = torch.logspace(math.log10(LOWEST), math.log10(HIGHEST), CANDIDATES)
    losses = [_cross_entropy(logits / temperature, moves) for temperature in temperatures.to(logits)]
    best = int(torch.stack(losses).argmin())
    model.moves_temperature.fill_(float(temperatures[best]))
    return {
        "moves_temperature": float(temperatures[best]),
        "moves_loss": losses[best].item(),
        "moves_accuracy": ((logits > 0) == moves).float().mean().item(),
        "moves_share": moves.float().mean().item(),
    }


def _logits(
    model: TraceWorldModel, batch: TraceBatch, seed: int, number: int
) -> tuple[Float[Tensor, " n"], Bool[Tensor, " n"]]:
    """Logits and truth of all queries of a batch."""
    assert batch.moves is not None, "windows without resting points say nothing about who moves"
    n_images, n_queries = batch.query_valid.shape
    shape = (n_images, 1, n_queries, model.config.n_control_points, 3)
    noise = torch.randn(shape, generator=step_generator(seed, number)).to(batch.image.device)
    prefix = model.encode_prefix(batch.image, batch.instructions, batch.depth_panel, batch.depth_valid)
    history_valid = batch.history_valid if number % 2 == 0 else None
    keypoints = model.keypoints(batch.anchor_uvz, batch.history, history_valid, batch.query_valid, batch.rays)
    times = torch.ones(noise.shape[:2], device=batch.image.device)
    logits = model.moves_logits(model.future_tokens(prefix, keypoints, noise, times))
    assert logits is not None, "the caller has looked"
    return logits[:, 0][batch.query_valid], batch.moves[batch.query_valid]


def _cross_entropy(logits: Float[Tensor, " n"], moves: Bool[Tensor, " n"]) -> Float[Tensor, ""]:
    return functional.binary_cross_entropy_with_logits(logits, moves.float())
