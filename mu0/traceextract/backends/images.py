"""Frames as a vision transformer wants them: resized to whole patches, normalised, in a batch.

The aspect ratio is kept by choosing the number of patches: the shorter side gets a given number, the longer
side as many as its length asks for, rounded. Nothing is cropped and nothing is padded, so that a grid of
patches covers the whole image in equal cells; rounding stretches the image by at most half a patch on its
longer side (1.5 % with 16 or more patches on a side).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int, UInt8

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Normalisation:
    """Mean and spread of the pixels (0 to 1) that a model was trained with."""

    mean: tuple[float, float, float]
    spread: tuple[float, float, float]


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
UNIT = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))  # pixels stay 0 to 1


def patch_grid(height_px: int, width_px: int, shorter: int) -> tuple[int, int]:
    """Rows and columns of patches when the shorter side has `shorter` of them."""
    if height_px <= width_px:
        return shorter, max(shorter, round(shorter * width_px / height_px))
    return max(shorter, round(shorter * height_px / width_px)), shorter


def portions(frames: Int[np.ndarray, " n"], size: int) -> Iterator[Int[np.ndarray, " _"]]:
    """The frame numbers in portions of at most `size`."""
    for start in range(0, len(frames), size):
        yield frames[start : start + size]


def image_batch(
    frames: Sequence[UInt8[np.ndarray, "h w 3"]],
    size_px: tuple[int, int],
    normalisation: Normalisation,
    like: "torch.Tensor",
    mode: str = "bicubic",
) -> "torch.Tensor":
    """Frames as (n, 3, height, width), resized with antialiasing, normalised.

    Args:
        frames: Some frames of one size.
        size_px: Height and width for the model.
        normalisation: Of the model.
        like: A tensor of the model; the batch gets its device and type.
        mode: "bicubic" or "bilinear".
    """
    import torch
    from torch.nn.functional import interpolate

    images = torch.stack([torch.from_numpy(np.array(frame)) for frame in frames])
    images = images.to(like.device).permute(0, 3, 1, 2).float() / 255
    if tuple(images.shape[-2:]) != size_px:
        images = interpolate(images, size=size_px, mode=mode, align_corners=False, antialias=True)
    mean = torch.tensor(normalisation.mean, device=like.device)[:, None, None]
    spread = torch.tensor(normalisation.spread, device=like.device)[:, None, None]
    return ((images.clamp(0, 1) - mean) / spread).to(like.dtype)


def to_image_size(maps: "torch.Tensor", height_px: int, width_px: int) -> Float[np.ndarray, "n h w"]:
    """Maps (n, h', w') of a model, bilinearly at the size of the image, in float32."""
    from torch.nn.functional import interpolate

    sized = interpolate(
        maps[:, None].float(), size=(height_px, width_px), mode="bilinear", align_corners=False
    )
    return sized[:, 0].cpu().numpy()
