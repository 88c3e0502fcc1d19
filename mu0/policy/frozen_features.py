"""Frozen features of demonstrations on disk: taken once in half precision, shared by all who train on them.

    features/<key>/convolutions.json           the precision that was settled for these features
    features/<key>/float32 or bfloat16/*.npy   the features

The key stands for the world model, the pictures and instructions, and how features are taken.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from mu0.dataset.array_files import RowsWriter, made_once, map_arrays, read_about
from mu0.policy.front_encoder import FrontFeatures
from mu0.progress import track

BATCH = 64
CODE_VERSION = 3
"""Raise when features of equal inputs change, so that older caches are not read."""


@dataclass(frozen=True)
class FeatureConfig:
    """How features are taken; stored with the expert, because it decides what the expert's inputs mean."""

    grid: int = 8
    pool: int = 2
    noise_seed: int = 0
    untrained_seed: int | None = None  # of random weights in the place of the world model's own


@dataclass(frozen=True)
class FrozenFeatures:
    """One row per observation; half precision in the cache, float32 out of the extractor."""

    prefix: Float[np.ndarray, "n p prefix_width"]
    prefix_mask: Bool[np.ndarray, "n p"]
    trace: Float[np.ndarray, "n t trace_width"]
    feature_map: Float[np.ndarray, "n c fine fine"]
    n_image_tokens: int  # the first of the prefix

    def rows(self, index: np.ndarray) -> FrontFeatures:
        """Some rows as float32 tensors.

        The prefix ends with the longest text among these rows: padding costs time and is never attended to.
        """
        mask = np.asarray(self.prefix_mask[index])
        end = int(np.flatnonzero(mask.any(0)).max()) + 1
        return FrontFeatures(
            torch.from_numpy(self.prefix[index, :end].astype(np.float32)),
            torch.from_numpy(mask[:, :end]),
            torch.from_numpy(self.trace[index].astype(np.float32)),
            torch.from_numpy(self.feature_map[index].astype(np.float32)),
        )


Extractor = Callable[[UInt8[np.ndarray, "n h w 3"], Sequence[str]], FrozenFeatures]


def cache_key(world_model_sha256: str, config: FeatureConfig, frames_key: str) -> str:
    """Hash of what features depend on, besides the precision of the convolutions."""
    described = [CODE_VERSION, world_model_sha256, asdict(config), frames_key]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:24]


def cached_features(
    folder: Path,
    make_extractor: Callable[[], Extractor],
    images: UInt8[np.ndarray, "n h w 3"],
    instructions: Sequence[str],
) -> FrozenFeatures:
    """Features of many observations, from the cache or computed with progress; memory-mapped.

    Args:
        folder: In the cache, with `cache_key` in its path.
        make_extractor: Makes what takes the features; called only if they are not there.
        images: One image per row.
        instructions: One instruction per row.

    Returns:
        Rows in the order of `images`.
    """

    def make(temporary: Path) -> None:
        extractor, n_image_tokens = make_extractor(), 0
        with RowsWriter(temporary, len(images)) as writer:
            for i in track(range(0, len(images), BATCH), "features of demonstrations (batches)"):
                features = extractor(np.asarray(images[i : i + BATCH]), instructions[i : i + BATCH])
                n_image_tokens = features.n_image_tokens
                writer.append(
                    prefix=features.prefix.astype(np.float16),
                    prefix_mask=features.prefix_mask,
                    trace=features.trace.astype(np.float16),
                    feature_map=features.feature_map.astype(np.float16),
                )
            writer.note(n_image_tokens=n_image_tokens)

    made_once(folder, make)
    return FrozenFeatures(**map_arrays(folder), **read_about(folder))
