"""Frozen records that cross package borders.

Conventions (docs/conventions.md)
    image   uint8 RGB, height x width x 3
    uvz     u = 2 x / W - 1, v = 2 y / H - 1, z metres along the optical axis of the anchor camera
    camera  x right, y down, z forward; `intrinsics` in pixels; poses are `camera_from_world`
    time    histories oldest first; futures start one step after the anchor; the anchor is in neither
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True)
class Observation:
    """What a predictor or a policy may look at in one moment; `other_images` are of further cameras."""

    image: UInt8[np.ndarray, "height width 3"]
    instruction: str
    depth_m: Float[np.ndarray, "height width"] | None = None
    intrinsics: Float[np.ndarray, "3 3"] | None = None
    wrist_image: UInt8[np.ndarray, "wrist_height wrist_width 3"] | None = None
    proprioception: Float[np.ndarray, " state"] | None = None
    other_images: tuple[UInt8[np.ndarray, "_ _ 3"], ...] = ()


@dataclass(frozen=True)
class Queries:
    """The keypoints whose future is asked for; `history_uvz` is absolute, oldest first, NaN where unknown."""

    anchor_uvz: Float[np.ndarray, "q 3"]
    history_uvz: Float[np.ndarray, "q past 3"] | None = None


@dataclass(frozen=True)
class TraceSamples:
    """Predicted futures in absolute uvz, and the probability that each step still belongs to the event.

    `moves` is the probability that a keypoint leaves its place at all; None from methods that do not say.
    """

    uvz: Float[np.ndarray, "sample q step 3"]
    valid_probability: Float[np.ndarray, "sample q step"]
    moves: Float[np.ndarray, " q"] | None = None


@dataclass(frozen=True)
class ActionChunk:
    """Actions to execute one after another; units and order are those of the environment's action space."""

    actions: Float[np.ndarray, "step action"]
    rate_hz: float
