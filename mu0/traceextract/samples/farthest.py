"""A few of many points, spread."""

import numpy as np
from jaxtyping import Float, Int


def farthest(points: Float[np.ndarray, "n axes"], count: int) -> Int[np.ndarray, " k"]:
    """Indices of at most `count` points, each the farthest from those before it; in ascending order.

    Of points in the same place one is enough.
    """
    if len(points) <= count:
        return np.arange(len(points))
    apart = np.full(len(points), np.inf)
    chosen = [int(np.linalg.norm(points - points.mean(0), axis=1).argmax())]
    while len(chosen) < count:
        apart = np.minimum(apart, ((points - points[chosen[-1]]) ** 2).sum(1))
        if apart.max() <= 0:
            break
        chosen.append(int(apart.argmax()))
    return np.sort(np.array(chosen))
