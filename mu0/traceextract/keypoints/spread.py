"""Points of a region that are far from each other: k-means on coordinates, then the best corner nearby.

k-means on the coordinates of a region cuts it into compact parts of equal size, so that its centres cover the
region whatever its shape; a grid would leave narrow parts out, and corners alone crowd where the texture is.
From each centre the point moves to the strongest corner of its surroundings, because it must be tracked.

Source
    k-means on patch coordinates: reference/traceextract.md §2.8.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

CANDIDATES_PER_POINT = 12
MAX_ROUNDS = 20
CORNER_BLOCK_PX = 3
REACH_SHARE = 0.35  # of the spacing: how far a point moves, and how far others keep away from it


def spread_points(
    grey: UInt8[np.ndarray, "h w"], mask: Bool[np.ndarray, "h w"], count: int, seed: int
) -> Float[np.ndarray, "n 2"]:
    """At most `count` pixels (x, y) of `mask`, spread over it, each on the best corner nearby."""
    area = int(mask.sum())
    if count <= 0 or area == 0:
        return np.zeros((0, 2))
    count = min(count, area)
    spacing = float(np.sqrt(area / count))
    centres = _centres(_candidates(mask, CANDIDATES_PER_POINT * count), count, seed)
    strength = np.where(mask, cv2.cornerMinEigenVal(grey, CORNER_BLOCK_PX), -1.0)
    reach = int(REACH_SHARE * spacing)
    points = [_take_best_nearby(strength, centre, reach) for centre in centres]
    return np.unique(np.array(points, float), axis=0)


def _candidates(mask: Bool[np.ndarray, "h w"], n_wanted: int) -> Float[np.ndarray, "n 2"]:
    """Pixels of the mask on a grid that is fine enough for `n_wanted` of them, where the mask has so many."""
    stride = max(1, int(np.sqrt(mask.sum() / n_wanted)))
    while True:
        row, column = np.nonzero(mask[::stride, ::stride])
        if len(row) >= min(n_wanted, int(mask.sum())) or stride == 1:
            return np.stack([column, row], 1) * float(stride)
        stride -= 1


def _centres(points: Float[np.ndarray, "n 2"], count: int, seed: int) -> Float[np.ndarray, "k 2"]:
    """The candidates nearest to the centres of `count` compact parts; starts are far from each other."""
    start = int(np.random.default_rng(seed).integers(len(points)))
    chosen = [start]
    nearest = ((points - points[start]) ** 2).sum(1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(1))
    centres = points[chosen]
    labels = np.full(len(points), -1)
    for _ in range(MAX_ROUNDS):
        distance = ((points[:, None] - centres[None]) ** 2).sum(-1)
        new = distance.argmin(1)
        if (new == labels).all():
            break
        labels = new
        size = np.bincount(labels, minlength=count)
        sums = np.stack([np.bincount(labels, points[:, axis], count) for axis in (0, 1)], 1)
        centres = np.where(size[:, None] > 0, sums / np.maximum(size, 1)[:, None], centres)
    distance = ((points[:, None] - centres[None]) ** 2).sum(-1)
    return points[distance.argmin(0)]


def _take_best_nearby(
    strength: Float[np.ndarray, "h w"], centre: Float[np.ndarray, " 2"], reach: int
) -> tuple[float, float]:
    """The strongest corner within `reach`, else the centre; its surroundings are taken out of `strength`.

    Outside the mask strength is negative.
    """
    x, y = int(centre[0]), int(centre[1])
    left, top = max(0, x - reach), max(0, y - reach)
    window = strength[top : y + reach + 1, left : x + reach + 1]
    row, column = np.unravel_index(int(window.argmax()), window.shape)
    if window[row, column] >= 0:
        x, y = left + int(column), top + int(row)
    strength[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = -1
    return float(x), float(y)
