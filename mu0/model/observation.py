"""What a predictor shows its model of an observation, and which questions it refuses.

Entry points
    picture          the image as the model was trained to see it
    depth_panel      the coloured depth, None where there is none
    check_question   keypoints and samples that can be answered
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from mu0.dataset.depth_colour import colour_depth
from mu0.dataset.statistics import NormalizerStats
from mu0.errors import PredictionError
from mu0.records import Observation, Queries


def picture(image: UInt8[np.ndarray, "h w 3"], size_px: int) -> Float[Tensor, "1 3 size size"]:
    """Pixels -> [0, 1], channels first, squashed to a square (relative positions stay right)."""
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    return _resize(pixels, size_px)


def depth_panel(
    observation: Observation, statistics: NormalizerStats, size_px: int
) -> Float[Tensor, "1 3 size size"] | None:
    """The measured depth in colours; None without depth, or if the training data had none."""
    if observation.depth_m is None or statistics.depth_log_range is None:
        return None
    coloured = torch.from_numpy(colour_depth(observation.depth_m, statistics.depth_log_range))
    return _resize(coloured.permute(2, 0, 1)[None].float(), size_px)


def check_question(queries: Queries, n_samples: int, name: str = "") -> None:
    """Refuse what has no answer.

    Args:
        queries: The keypoints.
        n_samples: Futures of each.
        name: Of the question among others, for the message.

    Raises:
        PredictionError: There is no keypoint, no sample, or an anchor is not finite.
    """
    prefix = f"{name}: " if name else ""
    if len(queries.anchor_uvz) == 0 or n_samples < 1:
        raise PredictionError(
            f"{prefix}{len(queries.anchor_uvz)} keypoints and {n_samples} samples were asked for.",
            expected="at least one of each",
            remedy="give keypoints, for example a grid over the image.",
        )
    bad = np.flatnonzero(~np.isfinite(queries.anchor_uvz).all(axis=1))
    if len(bad):
        raise PredictionError(
            f"{prefix}The anchor of keypoint {bad[0]} is {queries.anchor_uvz[bad[0]].tolist()}.",
            expected="finite u, v in [-1, 1] and z in metres (0 where depth is unknown)",
            remedy="leave out keypoints without a position; set z to 0 where there is no depth.",
        )


def _resize(image: Float[Tensor, "b 3 h w"], size_px: int) -> Float[Tensor, "b 3 size size"]:
    """The same filter as in training."""
    if tuple(image.shape[-2:]) == (size_px, size_px):
        return image
    return functional.interpolate(image, size=(size_px, size_px), mode="bilinear", align_corners=False)
