"""How good a world model is on windows it has not seen: fixed batches, fixed noise.

Reported per visible and hidden history: the loss terms of training (no dropout) and, for keypoints that
really move, the average displacement error of one sample beside that of standing still and of constant
velocity.

Conventions
    *_error_uv  mean distance over valid steps in u, v units (2 = the width of the image)
    moving      the true trace leaves a disk of radius `MOVING_UV` around its anchor
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mu0.dataset.batch import TraceBatch
from mu0.model.world_model import TraceWorldModel
from mu0.training.loop import step_generator

MOVING_UV = 0.02


@torch.no_grad()
def validate(model: TraceWorldModel, batches: Sequence[TraceBatch], seed: int) -> dict[str, float]:
    """Averages over `batches`; equal seeds give equal numbers."""
    model.eval()
    sums: dict[str, list[tuple[float, float]]] = {}
    for index, batch in enumerate(batches):
        scores: dict[str, tuple[float, float]] = {}
        for kind, hide_history in (("history", False), ("no_history", True)):
            terms = model.loss(batch, step_generator(seed, index), hide_history=hide_history)
            scores |= {
                f"loss_{kind}": (terms.total.item(), 1.0),
                f"flow_loss_{kind}": (terms.flow.item(), 1.0),
            }
            future = _sample(model, batch, step_generator(seed + 1, index), hide_history=hide_history)
            scores[f"ade_{kind}_error_uv"] = _displacement(model, batch, future)
        scores["ade_static_error_uv"] = _displacement(model, batch, torch.zeros_like(batch.future))
        scores["ade_constant_velocity_error_uv"] = _displacement(
            model, batch, _constant_velocity(model, batch)
        )
        for name, score in scores.items():
            sums.setdefault(name, []).append(score)
    return {name: _weighted_mean(pairs) for name, pairs in sums.items()}


def _sample(
    model: TraceWorldModel, batch: TraceBatch, generator: torch.Generator, *, hide_history: bool
) -> Float[Tensor, "b q step 3"]:
    """One sampled future per keypoint, scaled and anchor-relative."""
    n_images, n_queries = batch.query_valid.shape
    noise = torch.randn(n_images, 1, n_queries, model.config.n_control_points, 3, generator=generator)
    prefix = model.encode_prefix(batch.image, batch.instructions, batch.depth_panel, batch.depth_valid)
    history_valid = None if hide_history else batch.history_valid
    keypoints = model.keypoints(batch.anchor_uvz, batch.history, history_valid, batch.query_valid, batch.rays)
    futures = model.sample(prefix, keypoints, noise.to(batch.image.device))
    return model.render(futures.points[:, 0])


def _constant_velocity(model: TraceWorldModel, batch: TraceBatch) -> Float[Tensor, "b q step 3"]:
    """Go on with the last step of the past; stand still where it is unknown."""
    scale = torch.from_numpy(model.statistics.delta_scale).to(batch.future)
    known = batch.history_valid[..., -1]
    last_step = torch.where(known[..., None], -batch.history[..., -1, :], 0.0) / scale
    times = torch.arange(1, batch.future.shape[2] + 1, device=batch.future.device)
    return last_step[:, :, None] * times[:, None]


def _displacement(
    model: TraceWorldModel, batch: TraceBatch, future: Float[Tensor, "b q step 3"]
) -> tuple[float, float]:
    """Mean error over moving keypoints, and how many there are."""
    scale = torch.from_numpy(model.statistics.delta_scale).to(future)[:2]
    truth_uv = batch.future[..., :2] * scale
    error = torch.linalg.vector_norm(future[..., :2] * scale - truth_uv, dim=-1)
    steps = batch.future_valid.sum(-1)
    each = torch.where(batch.future_valid, error, 0.0).sum(-1) / steps.clamp(min=1)
    moving = _is_moving(truth_uv, batch.future_valid) & batch.query_valid & (steps > 0)
    n_moving = int(moving.sum())
    return (each[moving].mean().item() if n_moving else 0.0), float(n_moving)


def _is_moving(truth_uv: Float[Tensor, "b q step 2"], valid: Bool[Tensor, "b q step"]) -> Bool[Tensor, "b q"]:
    travelled = torch.linalg.vector_norm(truth_uv, dim=-1)
    return torch.where(valid, travelled, 0.0).amax(-1) > MOVING_UV


def _weighted_mean(pairs: list[tuple[float, float]]) -> float:
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total else 0.0
