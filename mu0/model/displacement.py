"""From image units to metres and back: the unit in which a model learns displacements, and unprojection.

    image    u, v and z, each divided by its own delta scale (the release)
    metric   metres along the camera's axes over one scale for all three: u and v times the anchor's depth
             and the slope of the camera's rays. A far and a near object that move alike get equal targets,
             and distances between displacements mean something

Both are a factor per keypoint and axis, so they commute with every curve: a model turns the dataset's
displacements into its own before learning and back after sampling, and nobody outside notices.

Conventions (docs/conventions.md)
    z_m    depth of the anchor; 0 where unknown, and then replaced by the middle of the depth range
    rays   x = (slope u + offset) z, and y likewise from v; shape (image, axis, 2)
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from mu0.dataset.statistics import NormalizerStats
from mu0.model.config import WorldModelConfig

MIN_DEPTH_M = 1e-3


def rays_or_default(
    config: WorldModelConfig, rays: Float[Tensor, "b 2 2"] | None, like: Float[Tensor, "b q axes"]
) -> Float[Tensor, "b 2 2"]:
    """The cameras' rays; where unknown, those of the config's field of view, centred."""
    default = like.new_tensor([[config.half_view_tangent, 0.0]] * 2).expand(len(like), -1, -1)
    return default if rays is None else torch.where(rays[..., :1] > 0, rays.to(like), default)


def unproject(uvz: Float[Tensor, "b *rest 3"], rays: Float[Tensor, "b 2 2"]) -> Float[Tensor, "b *rest 3"]:
    """Points in metres in the frame of each image's camera."""
    slope, offset = rays.reshape(len(uvz), *([1] * (uvz.ndim - 2)), 2, 2).unbind(-1)
    return torch.cat([(uvz[..., :2] * slope + offset) * uvz[..., 2:], uvz[..., 2:]], dim=-1)


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
    config: WorldModelConfig,
    statistics: NormalizerStats,
    anchor_z_m: Float[Tensor, "b q"],
    rays: Float[Tensor, "b 2 2"],
) -> Float[Tensor, "b q 3"]:
    """How many units of the dataset (displacement / delta scale) one unit of the model is, per axis."""
    if config.displacement == "image":
        return torch.ones(*anchor_z_m.shape, 3, device=anchor_z_m.device)
    scale_m = metric_scale_m(statistics, config.half_view_tangent)
    depth_m = torch.where(anchor_z_m > MIN_DEPTH_M, anchor_z_m, typical_depth_m(statistics))
    per_uv_m = depth_m[..., None] * rays[:, None, :, 0]
    per_axis_m = torch.cat([per_uv_m, torch.ones_like(depth_m[..., None])], dim=-1)
    return scale_m / (per_axis_m * torch.from_numpy(statistics.delta_scale).to(per_axis_m))
