"""Feature extractor `descriptors`: what a patch looks like and how it moves; needs no weights.

A patch is described by its colour (mean and spread in Lab), its texture (histogram of gradient directions),
its depth and its own motion (`mu0.traceextract.tracking.own_motion`).
"""

from typing import final

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from mu0.traceextract.backends.interfaces import (
    AbstractFeatureExtractor,
    Footage,
    PatchFeatures,
    Reconstruction,
)
from mu0.traceextract.keypoints.coverage import GRID
from mu0.traceextract.tracking.own_motion import flow_motion

GRADIENT_BINS = 6
LAB_SPREAD = 40.0


def describe_patches(
    frame: UInt8[np.ndarray, "h w 3"],
    depth_m: Float[np.ndarray, "h w"] | None,
    motion: Float[np.ndarray, "h w 2"],
    n_rows: int,
    n_columns: int,
) -> Float32[np.ndarray, "rows columns d"]:
    """Colour, texture, depth and own motion of each patch, all roughly within [-1, 1]."""
    size = (n_columns, n_rows)

    def pooled(channel: Float[np.ndarray, "h w *c"]) -> Float32[np.ndarray, "rows columns c"]:
        small = cv2.resize(channel.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return small.reshape(n_rows, n_columns, -1)

    lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(np.float32)
    mean = pooled(lab)
    spread = np.sqrt(np.maximum(pooled(lab**2) - mean**2, 0))
    grey = lab[..., 0]
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength, angle = np.hypot(dx, dy), np.mod(np.arctan2(dy, dx), np.pi)
    bins = np.minimum((angle / np.pi * GRADIENT_BINS).astype(int), GRADIENT_BINS - 1)
    texture = np.concatenate([pooled(strength * (bins == k)) for k in range(GRADIENT_BINS)], -1)
    texture /= np.linalg.norm(texture, axis=-1, keepdims=True) + LAB_SPREAD
    parts = [(mean - 128.0) / LAB_SPREAD, spread / LAB_SPREAD, texture, np.tanh(pooled(motion))]
    if depth_m is not None:
        parts.append(pooled(depth_m))
    return np.concatenate(parts, -1)


@final
class PatchDescriptors(AbstractFeatureExtractor):
    """Describes patches by hand-made features."""

    def describe(
        self, footage: Footage, reconstruction: Reconstruction, sampled_frames: Int[np.ndarray, " s"]
    ) -> PatchFeatures:
        """Descriptors and motion masks of `sampled_frames`."""
        descriptors, masks = [], []
        for frame in sampled_frames:
            motion, moves = flow_motion(footage, reconstruction, int(frame))
            depth = None if reconstruction.depth_m is None else reconstruction.depth_m[frame]
            masks.append(moves)
            descriptors.append(describe_patches(footage.frames[frame], depth, motion, GRID, GRID))
        return PatchFeatures(sampled_frames, np.stack(descriptors), np.stack(masks))
