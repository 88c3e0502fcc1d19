"""Frozen features of the world model: what it sees, and what it expects to move.

    prefix   hidden states of image and text tokens after the last text layer
    map      the stem's fine feature map: where things are, finer than a token
    trace    a uniform grid of query keypoints, ONE pass at tau = 1 with a fixed noise: the hidden states of
             the future tokens before the last norm, averaged 2x2

Why one pass at pure noise: there the velocity field is the mean of all futures minus the noise, so the hidden
states hold the expectation, and an observation costs one pass instead of four. The noise is fixed, so equal
observations give equal features.

A baseline without pretraining takes them from the same architecture with random weights (`untrained_like`).

Features of demonstrations are taken once and kept on disk: `mu0.policy.frozen_features`.

Sources
    Query grid, single step at tau = 1, hidden states before the norm, pooling: reference/mu0.md §8.1.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from mu0.model.backbone import Prefix
from mu0.model.world_model import TraceWorldModel
from mu0.policy.frozen_features import FeatureConfig, FrozenFeatures


def untrained_like(world_model: TraceWorldModel, seed: int) -> TraceWorldModel:
    """The same architecture, words and statistics with random weights, which depend on `seed` only."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TraceWorldModel(world_model.config, world_model.tokenizer, world_model.statistics)


class FeatureExtractor:
    """Takes frozen features from a world model; never changes it.

    Args:
        world_model: Is set to evaluation mode and frozen; only its shape counts for `untrained_seed`.
        config: Which features.
        with_trace: False leaves the trace pass out (its features are zeros), for the variant that ignores it.
    """

    def __init__(
        self, world_model: TraceWorldModel, config: FeatureConfig, *, with_trace: bool = True
    ) -> None:
        if config.untrained_seed is not None:
            device = next(world_model.parameters()).device
            world_model = untrained_like(world_model, config.untrained_seed).to(device)
        self.with_trace = with_trace
        self.world_model = world_model.eval().requires_grad_(requires_grad=False)
        self.config = config
        line = torch.linspace(-1, 1, config.grid)
        v, u = torch.meshgrid(line, line, indexing="ij")
        self._uv = torch.stack([u, v], dim=-1).reshape(1, -1, 2)
        model = world_model.config
        generator = torch.Generator().manual_seed(config.noise_seed)
        noise = torch.randn(1, config.grid**2, model.n_control_points, 3, generator=generator)
        self._device = next(world_model.parameters()).device
        self._uv, self._noise = self._uv.to(self._device), noise.to(self._device)

    @torch.inference_mode()
    def __call__(self, images: UInt8[np.ndarray, "n h w 3"], instructions: Sequence[str]) -> FrozenFeatures:
        """Features of a batch of observations."""
        model, n = self.world_model, len(images)
        prefix = model.encode_prefix(self._to_input(images), list(instructions))
        length = prefix.n_image_tokens + model.config.max_text_tokens
        missing = length - prefix.hidden.shape[1]
        return FrozenFeatures(
            _array(functional.pad(prefix.hidden * prefix.mask[..., None], (0, 0, 0, missing)).float()),
            _array(functional.pad(prefix.mask, (0, missing))),
            _array(self._trace(prefix, n).float()),
            _array(fine_map(prefix).float()),
            prefix.n_image_tokens,
        )

    def _trace(self, prefix: Prefix, n: int) -> Float[Tensor, "n t trace_width"]:
        """Pooled hidden states of the query grid after one pass at pure noise."""
        config, width = self.config, self.world_model.config.expert_width
        if not self.with_trace:
            return torch.zeros(n, (config.grid // config.pool) ** 2, width)
        noise = self._noise.expand(n, -1, -1, -1)
        times = torch.ones(n, device=self._device)
        hidden = self.world_model.trace_hidden(prefix, self._uv.expand(n, -1, -1), noise, times)
        grid = hidden.transpose(1, 2).unflatten(-1, (config.grid, config.grid))
        return functional.avg_pool2d(grid, config.pool).flatten(2).transpose(1, 2)

    def _to_input(self, images: UInt8[np.ndarray, "n h w 3"]) -> Float[Tensor, "n 3 s s"]:
        """Square images of the model's size in [0, 1]."""
        size = self.world_model.config.image_size_px
        if images.shape[1:3] != (size, size):
            images = np.stack([cv2.resize(x, (size, size), interpolation=cv2.INTER_AREA) for x in images])
        # a copy, because frames that lie in a mapped file are read-only, and torch has no such tensors
        return torch.from_numpy(np.array(images)).to(self._device).permute(0, 3, 1, 2).float() / 255


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().contiguous().numpy()


def fine_map(prefix: Prefix) -> Float[Tensor, "n c fine fine"]:
    """The stem's map where the model has one, else the image tokens on their grid."""
    if prefix.feature_maps:
        return prefix.feature_maps[0]
    side = round(prefix.n_image_tokens**0.5)
    return prefix.hidden[:, : prefix.n_image_tokens].transpose(1, 2).unflatten(-1, (side, side))
