"""Which pixels of a likely region are one surface: neighbours whose points lie near each other.

A map that says what is meant is a little wider than the thing. What it covers of things before or behind is
cut off where depth jumps.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

GAP_M = 0.015  # between neighbouring pixels of one surface


def likeliest_surface(
    points_m: Float[np.ndarray, "h w 3"], candidate: Bool[np.ndarray, "h w"], weight: Float[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """The piece of `candidate` with the largest sum of weights.

    Args:
        points_m: Of every pixel; anything where it is no candidate.
        candidate: Pixels that may be on the surface.
        weight: How likely each is.
    """
    number = np.full(candidate.shape, -1)
    number[candidate] = np.arange(candidate.sum())
    ends = [_joined(points_m, number, axis) for axis in (0, 1)]
    first, second = np.concatenate(ends, axis=1)
    n = int(candidate.sum())
    joined = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, piece = connected_components(joined, directed=False)
    chosen = np.zeros(candidate.shape, bool)
    if n:
        chosen[candidate] = piece == np.bincount(piece, weight[candidate]).argmax()
    return chosen


def _joined(points_m: Float[np.ndarray, "h w 3"], number: np.ndarray, axis: int) -> np.ndarray:
    """Pairs of neighbouring candidates along an axis that are near each other, (2, n)."""
    here = [slice(None)] * 2
    there = [slice(None)] * 2
    here[axis], there[axis] = slice(None, -1), slice(1, None)
    a, b = number[tuple(here)], number[tuple(there)]
    apart_m = np.linalg.norm(points_m[tuple(here)] - points_m[tuple(there)], axis=-1)
    near = (a >= 0) & (b >= 0) & (apart_m < GAP_M)
    return np.stack([a[near], b[near]])
