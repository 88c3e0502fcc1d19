"""Rigid motions of points: how they move them, and the one that most of them follow.

Source
    RANSAC, Fischler and Bolles 1981.
"""

import numpy as np
from jaxtyping import Bool, Float

from mu0.geometry.rigid import fit_rigid

N_REFITS = 120


def move(
    motion: Float[np.ndarray, "*#b 4 4"], points: Float[np.ndarray, "*#b k 3"]
) -> Float[np.ndarray, "*_b k 3"]:
    """Apply rigid motions to points, batch by batch (batches of one are repeated)."""
    return points @ np.swapaxes(motion[..., :3, :3], -1, -2) + motion[..., None, :3, 3]


def distance(a: Float[np.ndarray, "*#b 3"], b: Float[np.ndarray, "*#b 3"]) -> Float[np.ndarray, "..."]:
    """Distance of two points [m]."""
    apart = a - b
    apart *= apart
    return np.sqrt(apart[..., 0] + apart[..., 1] + apart[..., 2])


def consensus(
    source: Float[np.ndarray, "k 3"],
    goal: Float[np.ndarray, "k 3"],
    weight: Float[np.ndarray, " k"],
    inlier_m: float,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "4 4"], Bool[np.ndarray, " k"]]:
    """The rigid motion that carries the most weight of points from `source` to `goal`, and who follows it."""

    def followers(motion: Float[np.ndarray, "4 4"]) -> Bool[np.ndarray, " k"]:
        return distance(move(motion, source), goal) < inlier_m

    motion = fit_rigid(source, goal, weight)
    fitted = np.zeros(len(source), bool)  # whom a refit was made of: the same points give the same motion
    inlier = followers(motion)
    if weight[inlier].sum() < 0.9 * weight.sum() and len(source) > 3:
        triples = rng.random((N_REFITS, len(source))).argsort(1)[:, :3]
        guesses = fit_rigid(source[triples], goal[triples], np.ones(triples.shape))
        fits = distance(move(guesses, source[None]), goal[None]) < inlier_m
        best = (fits * weight).sum(1).argmax()
        if weight[fits[best]].sum() > weight[inlier].sum():
            inlier = fits[best]
    for _ in range(2):
        if inlier.sum() >= 3 and (inlier != fitted).any():
            motion, fitted = fit_rigid(source[inlier], goal[inlier], weight[inlier]), inlier
            inlier = followers(motion)
    return motion, inlier
