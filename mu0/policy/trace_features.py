"""Frozen features of the world model: what it sees, and what it expects to move.

    prefix   hidden states of image and text tokens after the last text layer
    map      the stem's fine feature map: where things are, finer than a token
    trace    a uniform grid of query keypoints, ONE pass at tau = 1 with a fixed noise: the hidden states of
             the future tokens before the last norm, averaged 2x2

Why one pass at pure noise: there the velocity field is the mean of all futures minus the noise, so the hidden
states hold the expectation, and an observation costs one pass instead of four. The noise is fixed, so equal
observations give equal features.

Features of demonstrations are computed once and cached on disk in half precision, keyed by the hashes of the
world model, of the images and instructions, and of this configuration. The cache may be deleted at any time.

Sources
    Query grid, single step at tau = 1, hidden states before the norm, pooling: reference/mu0.md §8.1.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn import functional

from mu0.files import atomic_folder
from mu0.model.backbone import Prefix
from mu0.model.world_model import TraceWorldModel
from mu0.progress import track

BATCH = 64
CODE_VERSION = 2
"""Raise when features of equal inputs change, so that older caches are not read."""


@dataclass(frozen=True)
class FeatureConfig:
    """How features are taken; stored with the expert, because it decides what the expert's inputs mean."""

    grid: int = 8
    pool: int = 2
    noise_seed: int = 0


@dataclass(frozen=True)
class FrozenFeatures:
    """One row per observation; half precision in the cache, float32 out of the extractor."""

    prefix: Float[np.ndarray, "n p prefix_width"]
    prefix_mask: Bool[np.ndarray, "n p"]
    trace: Float[np.ndarray, "n t trace_width"]
    feature_map: Float[np.ndarray, "n c fine fine"]

    def rows(self, index: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Prefix, mask, trace and fine map of some rows as float32 tensors.

        The prefix ends with the longest text among these rows: padding costs time and is never attended to.
        """
        mask = self.prefix_mask[index]
        end = int(np.flatnonzero(mask.any(0)).max()) + 1
        return (
            torch.from_numpy(self.prefix[index, :end].astype(np.float32)),
            torch.from_numpy(mask[:, :end]),
            torch.from_numpy(self.trace[index].astype(np.float32)),
            torch.from_numpy(self.feature_map[index].astype(np.float32)),
        )


class FeatureExtractor:
    """Takes frozen features from a world model; never changes it.

    Args:
        world_model: Is set to evaluation mode and frozen.
        config: Which features.
        with_trace: False leaves the trace pass out (its features are zeros), for the variant that ignores it.
    """

    def __init__(
        self, world_model: TraceWorldModel, config: FeatureConfig, *, with_trace: bool = True
    ) -> None:
        self.with_trace = with_trace
        self.world_model = world_model.eval().requires_grad_(requires_grad=False)
        self.config = config
        self.n_image_tokens = 0
        line = torch.linspace(-1, 1, config.grid)
        v, u = torch.meshgrid(line, line, indexing="ij")
        self._uv = torch.stack([u, v], dim=-1).reshape(1, -1, 2)
        model = world_model.config
        generator = torch.Generator().manual_seed(config.noise_seed)
        self._noise = torch.randn(1, config.grid**2, model.n_control_points, 3, generator=generator)

    @torch.inference_mode()
    def __call__(self, images: UInt8[np.ndarray, "n h w 3"], instructions: Sequence[str]) -> FrozenFeatures:
        """Features of a batch of observations."""
        model, n = self.world_model, len(images)
        prefix = model.encode_prefix(self._to_input(images), list(instructions))
        self.n_image_tokens = prefix.n_image_tokens
        length = prefix.n_image_tokens + model.config.max_text_tokens
        missing = length - prefix.hidden.shape[1]
        return FrozenFeatures(
            functional.pad(prefix.hidden * prefix.mask[..., None], (0, 0, 0, missing)).float().numpy(),
            functional.pad(prefix.mask, (0, missing)).numpy(),
            self._trace(prefix, n).float().contiguous().numpy(),
            _fine_map(prefix).float().contiguous().numpy(),
        )

    def _trace(self, prefix: Prefix, n: int) -> Float[Tensor, "n t trace_width"]:
        """Pooled hidden states of the query grid after one pass at pure noise."""
        config, width = self.config, self.world_model.config.expert_width
        if not self.with_trace:
            return torch.zeros(n, (config.grid // config.pool) ** 2, width)
        noise = self._noise.expand(n, -1, -1, -1)
        hidden = self.world_model.trace_hidden(prefix, self._uv.expand(n, -1, -1), noise, torch.ones(n))
        grid = hidden.transpose(1, 2).unflatten(-1, (config.grid, config.grid))
        return functional.avg_pool2d(grid, config.pool).flatten(2).transpose(1, 2)

    def _to_input(self, images: UInt8[np.ndarray, "n h w 3"]) -> Float[Tensor, "n 3 s s"]:
        """Square images of the model's size in [0, 1]."""
        size = self.world_model.config.image_size_px
        if images.shape[1:3] != (size, size):
            images = np.stack([cv2.resize(x, (size, size), interpolation=cv2.INTER_AREA) for x in images])
        return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255


def _fine_map(prefix: Prefix) -> Float[Tensor, "n c fine fine"]:
    """The stem's map where the model has one, else the image tokens on their grid."""
    if prefix.feature_maps:
        return prefix.feature_maps[0]
    side = round(prefix.n_image_tokens**0.5)
    return prefix.hidden[:, : prefix.n_image_tokens].transpose(1, 2).unflatten(-1, (side, side))


def cache_key(
    world_model_sha256: str,
    config: FeatureConfig,
    images: UInt8[np.ndarray, "n h w 3"],
    instructions: Sequence[str],
) -> str:
    """Hash of everything that features depend on."""
    described = [CODE_VERSION, world_model_sha256, asdict(config), list(instructions), list(images.shape)]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()[:24]


def cached_features(
    extractor: FeatureExtractor,
    world_model_sha256: str,
    images: UInt8[np.ndarray, "n h w 3"],
    instructions: Sequence[str],
    cache: Path,
) -> FrozenFeatures:
    """Features of many observations, from the cache or computed with progress; memory-mapped.

    Args:
        extractor: Takes the features.
        world_model_sha256: Identity of the extractor's world model.
        images: One image per row.
        instructions: One instruction per row.
        cache: Folder of the cache, such as `.mu0_cache/features`.

    Returns:
        Rows in the order of `images`.
    """
    folder = cache / cache_key(world_model_sha256, extractor.config, images, instructions)
    if not folder.is_dir():
        starts = range(0, len(images), BATCH)
        parts = [
            extractor(images[i : i + BATCH], instructions[i : i + BATCH])
            for i in track(starts, "features of demonstrations (batches)")
        ]
        with atomic_folder(folder) as temporary:
            np.save(temporary / "prefix.npy", np.concatenate([p.prefix for p in parts]).astype(np.float16))
            np.save(temporary / "prefix_mask.npy", np.concatenate([p.prefix_mask for p in parts]))
            np.save(temporary / "trace.npy", np.concatenate([p.trace for p in parts]).astype(np.float16))
            maps = np.concatenate([p.feature_map.astype(np.float16) for p in parts])
            np.save(temporary / "feature_map.npy", maps)
    extractor(images[:1], instructions[:1])  # learns the number of image tokens when all came from the cache
    names = ("prefix", "prefix_mask", "trace", "feature_map")
    loaded = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
    return FrozenFeatures(**loaded)
