"""How far tracks get around: the movement filter of the episode, metric and camera-compensated.

A point moves if it gets farther than a threshold from where it was, in the world. (TraceExtract's own filter
looks at pixels of the first 64 frames only.)

Sources
    Movement filter and its weak points: reference/traceextract.md §2.11, §9 no. 4 and 5.
    15 to 20 mm separates still from moving on real RGB-D: reference/perception.md §6.
"""

import numpy as np
from jaxtyping import Bool, Float

N_OUTERMOST = 2


def displacement(points: Float[np.ndarray, "t n d"], use: Bool[np.ndarray, "t n"]) -> Float[np.ndarray, " n"]:
    """How far each point gets around in its whole life: the diagonal of the box that holds it.

    The outermost positions do not count, at most `N_OUTERMOST` at either end of each axis, so that one or two
    wrong measurements do not make a still point move. It is a number of frames, not a share of them: a point
    that moves only in the last frames of a long clip moves. 0 for points used in fewer than two frames.
    """
    extent = np.zeros(points.shape[1])
    usable = np.flatnonzero(use.sum(0) >= 2)
    if len(usable):
        count = use.sum(0)[usable]
        ordered = np.sort(np.where(use[:, usable, None], points[:, usable], np.inf), 0)
        left_out = np.minimum(N_OUTERMOST, (count - 1) // 4)
        which = np.arange(len(usable))
        extent[usable] = np.linalg.norm(
            ordered[count - 1 - left_out, which] - ordered[left_out, which], axis=-1
        )
    return extent


def spread(points: Float[np.ndarray, "t n d"], use: Bool[np.ndarray, "t n"]) -> Float[np.ndarray, " n"]:
    """Median distance of a point's measurements from their median place; 0 where there are none."""
    found = np.zeros(points.shape[1])
    seen = np.flatnonzero(use.any(0))
    if len(seen):
        own = np.where(use[:, seen, None], points[:, seen], np.nan)
        found[seen] = np.nanmedian(np.linalg.norm(own - np.nanmedian(own, 0), axis=-1), 0)
    return found
