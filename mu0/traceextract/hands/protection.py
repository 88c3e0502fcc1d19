"""A hand's region protects tracks: what was chosen on a hand stays on it, what was not stays off.

A tracker that loses a finger before the thing that it holds, or a thing behind a finger, often goes on with
the other of the two. So a point that was chosen inside a hand is not seen where it is outside that hand, and
one that was chosen outside is not seen where it is inside. About the rim, and in frames in which the hand was
not recognised, nothing is said. What is unseen is treated as everywhere: it may be found again, or ends.
"""

import numpy as np
from jaxtyping import Bool, Int

from mu0.traceextract.backends.interfaces import Keypoints, PixelTracks
from mu0.traceextract.hands.identity import Hands
from mu0.traceextract.hands.regions import Side, sides

OWN_SHARE = 0.8  # of the frames in which both are seen


def protect(tracks: PixelTracks, keypoints: Keypoints, hands: Hands, frames: slice) -> PixelTracks:
    """The same tracks, unseen where they are on the wrong side of a hand.

    Args:
        tracks: Of a window.
        keypoints: Where they were chosen, in frames of the window.
        hands: Of the clip.
        frames: The window.
    """
    side = sides(hands, frames, tracks.pixel)
    chosen = side[:, keypoints.frame, np.arange(len(keypoints.frame))]
    slid_off = (chosen == Side.INSIDE)[:, None] & (side == Side.OUTSIDE)
    slid_on = (chosen == Side.OUTSIDE)[:, None] & (side == Side.INSIDE)
    return PixelTracks(tracks.pixel, tracks.is_seen & ~(slid_off | slid_on).any(0))


def owner(
    pixel: np.ndarray, is_seen: Bool[np.ndarray, "t n"], hands: Hands, frames: slice
) -> Int[np.ndarray, " n"]:
    """The hand that each track lies on, -1 for none: inside in nearly all frames in which both are seen."""
    side = sides(hands, frames, pixel)
    asked = is_seen & (side != Side.UNKNOWN)
    share = (asked & (side == Side.INSIDE)).sum(1) / np.maximum(asked.sum(1), 1)
    if len(hands) == 0:
        return np.full(pixel.shape[1], -1)
    return np.where(share.max(0) >= OWN_SHARE, share.argmax(0), -1)
