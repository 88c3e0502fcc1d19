"""The unit in which a model learns displacements.

    image    u, v and z, each divided by its own delta scale (the release)
    metric   metres along the camera's axes over one scale for all three: u and v times the anchor's depth
             and the tangent of half the view. A far and a near object that move alike get equal targets,
             and distances between displacements mean something

Both are a factor per keypoint and axis, so they commute with every curve: a model turns the dataset's
displacements into its own before learning and back after sampling, and nobody outside notices.

Conventions (docs/conventions.md)
    z_m      depth of the anchor; 0 where unknown, and then replaced by the middle of the depth range
    tangent  one number for all images (`half_view_tangent`): windows carry no intrinsics
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mu0.dataset.statistics import NormalizerStats
from mu0.model.config import WorldModelConfig

MIN_DEPTH_M = 1e-3


def typical_depth_m(statistics: NormalizerStats) -> float:
    """The middle of the training depth in logarithms; 1 m where there was none."""
    log_range = statistics.depth_log_range
    return 1.0 if log_range is None else math.exp(sum(log_range) / 2)


def metric_scale_m(statistics: NormalizerStats, half_view_tangent: float) -> float:
    """One scale for all axes: the largest of the delta scales at the typical depth."""
    per_unit_m = typical_depth_m(statistics) * half_view_tangent
    return max(
        statistics.delta_scale_x * per_unit_m, statistics.delta_scale_y * per_unit_m, statistics.delta_scale_z
    )


def dataset_units(
    config: WorldModelConfig, statistics: NormalizerStats, anchor_z_m: Float[Tensor, "*batch"]
) -> Float[Tensor, "*batch 3"]:
    """How many units of the dataset (displacement / delta scale) one unit of the model is, per axis."""
    if config.displacement == "image":
        return torch.ones(*anchor_z_m.shape, 3, device=anchor_z_m.device)
    scale_m = metric_scale_m(statistics, config.half_view_tangent)
    depth_m = torch.where(anchor_z_m > MIN_DEPTH_M, anchor_z_m, typical_depth_m(statistics))
    per_uv_m = depth_m * config.half_view_tangent
    factors = [
        scale_m / (per_uv_m * statistics.delta_scale_x),
        scale_m / (per_uv_m * statistics.delta_scale_y),
        torch.full_like(depth_m, scale_m / statistics.delta_scale_z),
    ]
    return torch.stack(factors, dim=-1)
