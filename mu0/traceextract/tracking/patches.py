"""Patches around pixels, and how much two of them look alike."""

from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

Grey: TypeAlias = UInt8[np.ndarray, "h w"]

MAX_REMAP_SIDE_PX = 32_766  # cv2.remap asserts that rows and columns, read and written, are below SHRT_MAX


def patches(
    grey: Grey, pixel: Float[np.ndarray, "n 2"], radius_px: int
) -> Float32[np.ndarray, "n side side"]:
    """Bilinear patches around pixels, normalized, so that a product correlates."""
    side = 2 * radius_px + 1
    if len(pixel) == 0:
        return np.zeros((0, side, side), np.float32)
    offsets = np.arange(-radius_px, radius_px + 1, dtype=np.float32)
    at = pixel.astype(np.float32)
    portion = MAX_REMAP_SIDE_PX // side
    cut = np.concatenate(
        [_cut(grey, at[first : first + portion], offsets) for first in range(0, len(at), portion)]
    )
    cut -= cut.mean((1, 2), keepdims=True)
    norm = np.sqrt((cut * cut).sum((1, 2), keepdims=True))
    return cut / np.maximum(norm, 1.0)


def _cut(
    grey: Grey, at: Float32[np.ndarray, "n 2"], offsets: Float32[np.ndarray, " side"]
) -> Float32[np.ndarray, "n side side"]:
    """The patches below each other in one picture, which must be no higher than `MAX_REMAP_SIDE_PX`."""
    side = len(offsets)
    x = np.repeat((at[:, 0, None] + offsets)[:, None, :], side, 1).reshape(-1, side)
    y = np.repeat((at[:, 1, None] + offsets)[:, :, None], side, 2).reshape(-1, side)
    cut = cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cut.astype(np.float32).reshape(-1, side, side)


def correlation(
    a: Float[np.ndarray, "n side side"], b: Float[np.ndarray, "n side side"]
) -> Float[np.ndarray, " n"]:
    """Normalized cross correlation of normalized patches."""
    return (a * b).sum((1, 2))
