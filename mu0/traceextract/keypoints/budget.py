"""How many points each entity gets, and in which frames: shares that add up and leave nobody out.

Rounding each share by itself loses points, and loses long-lived entities altogether: 48 points over 97 frames
are half a point per frame, rounded to none. Largest remainders keep every sum exact. An entity's share goes
with the root of its area (small things are what is carried), and every entity gets a point while there are
enough.

Source
    Hamilton's method of largest remainders. What it avoids: reference/traceextract.md §2.8 and §9 no. 13.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

Allocation = Literal["per_frame", "per_entity", "peak_frame"]


def largest_remainder(weights: Float[np.ndarray, " n"], total: int) -> Int[np.ndarray, " n"]:
    """`total` in proportion to `weights`; the sum is exact, each share within one of its quota.

    Equal remainders go to the larger weight, then to the first. All weights zero gives zeros.
    """
    if total <= 0 or not weights.sum() > 0:
        return np.zeros(len(weights), int)
    quota = total * weights / weights.sum()
    share = np.floor(quota).astype(int)
    order = np.lexsort((-weights, -(quota - share)))
    share[order[: total - share.sum()]] += 1
    return share


def shares_for_all(weights: Float[np.ndarray, " n"], total: int) -> Int[np.ndarray, " n"]:
    """`largest_remainder`, but whoever has any weight gets one; too few go to the heaviest."""
    alive = np.flatnonzero(weights > 0)
    if total <= len(alive):
        share = np.zeros(len(weights), int)
        share[alive[np.argsort(-weights[alive], kind="stable")[: max(0, total)]]] = 1
        return share
    share = largest_remainder(weights, total)
    starved = alive[share[alive] == 0]
    for index in starved:  # taken from the richest, which keeps at least two
        share[share.argmax()] -= 1
        share[index] = 1
    return share


def allocate(
    areas: Int[np.ndarray, "entities frames"], total: int, allocation: Literal["per_entity", "peak_frame"]
) -> Int[np.ndarray, "entities frames"]:
    """Points of each entity in each frame.

    Args:
        areas: How much of each frame an entity covers; 0 where it is not there.
        total: Points to give away; all are given while any entity is there.
        allocation: "per_entity" spreads an entity's points over its frames by area; "peak_frame" gives all of
            them to the frame that shows most of it (the earliest of equals).
    """
    points = np.zeros(areas.shape, int)
    budgets = shares_for_all(np.sqrt(areas.sum(1)), total)
    for entity in np.flatnonzero(budgets):
        if allocation == "peak_frame":
            points[entity, areas[entity].argmax()] = budgets[entity]
        else:
            points[entity] = largest_remainder(areas[entity].astype(float), int(budgets[entity]))
    return points
