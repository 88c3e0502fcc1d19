"""What of the picture a hand covers: its bones, thickened, and its palm.

Widths are shares of the hand's scale, the longest edge of its palm (wrist and roots of the fingers), which no
bending of fingers shortens. Between the skin and what surely is not the hand lies a rim about which nothing
is said: landmarks are a few pixels off, and fingers differ.
"""

from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int8
from scipy.spatial.distance import pdist

from mu0.episodes.hand_skeletons import BONES
from mu0.traceextract.hands.identity import Hands

PALM = (0, 1, 5, 9, 13, 17)
FINGER_SHARE = 0.1  # from a bone to the skin
RIM_SHARE = 0.2  # from the skin to what surely is not the hand


class Side(IntEnum):
    """Where a point is, seen from a hand."""

    UNKNOWN = -1  # the hand is not seen
    OUTSIDE = 0
    RIM = 1
    INSIDE = 2


def scale_px(joints: Float[np.ndarray, "21 2"]) -> float:
    """The longest edge of the palm."""
    return max(1.0, float(pdist(joints[list(PALM)].astype(np.float64)).max()))


def off_skin(pixel: Float[np.ndarray, "n 2"], joints: Float[np.ndarray, "21 2"]) -> Float[np.ndarray, " n"]:
    """Distance of points from a hand's skin as a share of its scale; negative inside."""
    joints = joints.astype(np.float64)
    start, end = (joints[list(ends)] for ends in zip(*BONES, strict=True))
    bone = end - start
    along = ((pixel[:, None] - start) * bone).sum(-1) / np.maximum((bone**2).sum(-1), 1e-9)
    nearest = start + along.clip(0, 1)[..., None] * bone
    away = np.linalg.norm(pixel[:, None] - nearest, axis=-1).min(1)
    away[_in_polygon(pixel, joints[list(PALM)])] = 0.0
    return away / scale_px(joints) - FINGER_SHARE


def side_of(pixel: Float[np.ndarray, "n 2"], joints: Float[np.ndarray, "21 2"]) -> Int8[np.ndarray, " n"]:
    """On which side of a hand's rim points lie; NaN is outside."""
    off = off_skin(np.nan_to_num(pixel, nan=-1e6), joints)
    return np.select([off <= 0, off <= RIM_SHARE], [Side.INSIDE, Side.RIM], Side.OUTSIDE).astype(np.int8)


def sides(hands: Hands, frames: slice, pixel: Float[np.ndarray, "t n 2"]) -> Int8[np.ndarray, "h t n"]:
    """The side of all points in the frames of a window, for every hand."""
    found = np.full((len(hands), *pixel.shape[:2]), Side.UNKNOWN, np.int8)
    for hand, frame in np.argwhere(hands.is_seen[:, frames]):
        joints = hands.landmarks[hand, frames.start + frame, :, :2]
        found[hand, frame] = side_of(pixel[frame].astype(np.float64), joints)
    return found


def _in_polygon(pixel: Float[np.ndarray, "n 2"], corners: Float[np.ndarray, "k 2"]) -> Bool[np.ndarray, " n"]:
    """Even-odd rule."""
    inside = np.zeros(len(pixel), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        crosses = (y0 > pixel[:, 1]) != (y1 > pixel[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= crosses & (pixel[:, 0] < (x1 - x0) * (pixel[:, 1] - y0) / (y1 - y0) + x0)
    return inside
