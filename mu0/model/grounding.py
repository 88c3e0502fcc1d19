"""Which thing, where: a sentence about a picture -> heat map, points on the named thing, metres, confidence.

No detector and no label: the model has learned from traces which things get carried under which words
(`mu0.model.named_thing`). It knows the words of its captions. What is not there is refused in most cases, not
in all: docs/experiments.md.

Conventions
    heat     probability that a place is on the named thing; rows from top to bottom of the picture
    region   the places around the peak, in one piece, with at least `ON_THING` of the peak's probability
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import ndimage

from mu0.errors import PredictionError
from mu0.geometry.camera import unproject
from mu0.model.observation import picture
from mu0.model.predictor import TracePredictor
from mu0.records import Observation

LEAST_CONFIDENCE = 0.5
ON_THING = 0.5
N_POINTS = 16
SMOOTH = np.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25])  # a thing is more than one place


@dataclass(frozen=True)
class Grounding:
    """Where the named thing is.

    Attributes:
        heat: The map; its cells are squares of the picture as the model sees it.
        place_px: The middle of the region.
        points_px: At most `N_POINTS` places of the region, the surest first.
        points_m: The same in the camera's frame, NaN where depth is missing; None without depth or camera.
        confidence: The largest probability at the peak or beside it.
    """

    heat: Float[np.ndarray, "side side"]
    place_px: Float[np.ndarray, " 2"]
    points_px: Float[np.ndarray, "n 2"]
    points_m: Float[np.ndarray, "n 3"] | None
    confidence: float


def ground(predictor: TracePredictor, observation: Observation) -> Grounding:
    """Find what the instruction names.

    Raises:
        PredictionError: The model cannot say, or nothing in the picture is called so.
    """
    heat = named_heat(predictor, observation)
    shared = ndimage.convolve(heat, SMOOTH, mode="nearest")
    confidence = float(ndimage.maximum_filter(heat, 3).ravel()[shared.argmax()])
    if confidence < LEAST_CONFIDENCE:
        raise PredictionError(
            f"Nothing in the picture is called as in {observation.instruction!r}: the likeliest place is on "
            f"such a thing with a probability of {confidence:.2f}.",
            expected=f"at least {LEAST_CONFIDENCE}",
            remedy="say it in words of the training captions, or use a detector (--find).",
        )
    region = _region(shared)
    height_px, width_px = observation.image.shape[:2]
    row, column = np.divmod(region, heat.shape[1])
    cells = np.stack([column, row], axis=1) + 0.5
    centres_px = cells * np.array([width_px / heat.shape[1], height_px / heat.shape[0]])
    weight = shared.ravel()[region]
    points_px = centres_px[:N_POINTS]
    return Grounding(
        heat=heat,
        place_px=weight @ centres_px / weight.sum(),
        points_px=points_px,
        points_m=_in_metres(points_px, observation),
        confidence=confidence,
    )


@torch.no_grad()
def named_heat(predictor: TracePredictor, observation: Observation) -> Float[np.ndarray, "side side"]:
    """Probability of every place of the picture to be on the named thing.

    Raises:
        PredictionError: The model cannot say.
    """
    model = predictor.model
    if model.named_thing is None:
        raise PredictionError(
            "This model was not trained to say which thing a sentence names.",
            expected="a model trained with world_model.train.named_images above 0",
            remedy="train again with it, or use a detector (--find).",
        )
    image = picture(observation.image, model.config.image_size_px)
    logits = model.named_thing.logit_map(image, *model.tokenizer([observation.instruction]))
    heat: Float[np.ndarray, "side side"] = logits[0].sigmoid().numpy()
    return heat


def _region(shared: Float[np.ndarray, "side side"]) -> Int[np.ndarray, " n"]:
    """Flat indices of the region, the likeliest first."""
    pieces, _ = ndimage.label(shared >= ON_THING * shared.max())
    inside = np.flatnonzero(pieces == pieces.ravel()[shared.argmax()])
    return inside[np.argsort(-shared.ravel()[inside], kind="stable")]


def _in_metres(
    points_px: Float[np.ndarray, "n 2"], observation: Observation
) -> Float[np.ndarray, "n 3"] | None:
    depth_m, intrinsics = observation.depth_m, observation.intrinsics
    if depth_m is None or intrinsics is None:
        return None
    column, row = np.floor(points_px).astype(int).T
    z_m = depth_m[row, column].astype(np.float64)
    trace = np.concatenate([points_px, np.where(z_m > 0, z_m, np.nan)[:, None]], axis=1)
    return unproject(trace, intrinsics)
