"""What μ0 is trained on: velocity, end of the trace, rigidity of things, what moves at all.

Conventions (docs/conventions.md)
    velocity   squared errors: summed over a keypoint's control points and axes, averaged over keypoints
    rigidity   variance over time of the distances within a cluster; `official` measures distances between
               scaled, anchor-relative control points, so it also punishes pure rotation; `metric` puts the
               anchors back, undoes the scales and the perspective, and is zero for every rigid motion
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from mu0.dataset.batch import TraceBatch


@dataclass(frozen=True)
class LossTerms:
    """The weighted sum that is minimised, and its unweighted parts."""

    total: Float[Tensor, ""]
    flow: Float[Tensor, ""]
    done: Float[Tensor, ""]
    rigidity: Float[Tensor, ""]
    moves: Float[Tensor, ""] | None = None  # None in models without the head, and for windows without rest
    named: Float[Tensor, ""] | None = None  # likewise, for windows without moments before a touch


def flow_loss(
    velocity: Float[Tensor, "b k q d 3"],
    target: Float[Tensor, "b k q d 3"],
    mask: Bool[Tensor, "b k q"],
    axis_known: Bool[Tensor, "b 3"],
) -> Float[Tensor, ""]:
    """Summed squared error per keypoint, averaged over the keypoints in `mask`.

    `axis_known` is False for the z axis of images without depth, which supervise u and v only.
    """
    counts = mask[..., None, None] & axis_known[:, None, None, None]
    error = torch.where(counts, velocity - target, 0.0).square()
    return error.sum() / mask.sum().clamp(min=1)


def done_loss(
    logits: Float[Tensor, "*batch step"], valid: Bool[Tensor, "*batch step"], mask: Bool[Tensor, "*batch"]
) -> Float[Tensor, ""]:
    """Cross-entropy of "this step still belongs to the event" over the keypoints in `mask`."""
    each = functional.binary_cross_entropy_with_logits(logits, valid.float(), reduction="none").mean(-1)
    return torch.where(mask, each, 0.0).sum() / mask.sum().clamp(min=1)


def moves_loss(
    logits: Float[Tensor, "b k q"], moves: Bool[Tensor, "b q"], query_valid: Bool[Tensor, "b q"]
) -> Float[Tensor, ""]:
    """Cross-entropy of "this keypoint leaves its place" over all queries and noise draws."""
    target, counts = (one[:, None].expand(logits.shape) for one in (moves, query_valid))
    return yes_no_loss(logits, target, counts)


def yes_no_loss(
    logits: Float[Tensor, "*shape"], is_so: Bool[Tensor, "*shape"], counts: Bool[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """Mean cross-entropy over whatever `counts`."""
    each = functional.binary_cross_entropy_with_logits(logits, is_so.float(), reduction="none")
    return torch.where(counts, each, 0.0).sum() / counts.sum().clamp(min=1)


def rigidity_loss(
    paths: Float[Tensor, "n q t 3"], cluster_ids: Int[Tensor, "n q"], mask: Bool[Tensor, "n q"]
) -> Float[Tensor, ""]:
    """Mean over clusters of the mean over pairs of the variance over t of the pair's distance."""
    first, second = torch.triu_indices(paths.shape[1], paths.shape[1], offset=1, device=paths.device)
    member = mask & (cluster_ids >= 0)
    together = member[:, first] & member[:, second] & (cluster_ids[:, first] == cluster_ids[:, second])
    distance = torch.linalg.vector_norm(paths[:, first] - paths[:, second], dim=-1)
    variance = torch.where(together, distance.var(dim=-1, correction=0), 0.0)
    same = (cluster_ids[:, :, None] == cluster_ids[:, None]) & member[:, :, None] & member[:, None]
    size = same.sum(-1)  # of each keypoint's cluster
    pairs = (size * (size - 1) / 2)[:, first].clamp(min=1)
    n_clusters = torch.where(size >= 2, 1.0 / size.clamp(min=1), 0.0).sum()
    return (variance / pairs).sum() / n_clusters.clamp(min=1)


def scene_rigidity(
    paths: Float[Tensor, "b k q t 3"], cluster_ids: Int[Tensor, "b q"], mask: Bool[Tensor, "b k q"]
) -> Float[Tensor, ""]:
    """`rigidity_loss` of every noise draw of every image."""
    ids = cluster_ids[:, None].expand(mask.shape)
    return rigidity_loss(paths.flatten(0, 1), ids.flatten(0, 1), mask.flatten(0, 1))


def known_axes(batch: TraceBatch) -> Bool[Tensor, "b 3"]:
    """Which of u, v, z each image supervises."""
    known = torch.ones(len(batch.image), 3, dtype=torch.bool, device=batch.image.device)
    if batch.has_depth_axis is not None:
        known[:, 2] = batch.has_depth_axis
    return known
