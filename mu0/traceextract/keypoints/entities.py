"""Entities: patches that look alike and lie together, by k-means or by bipartite matching.

Source
    reference/traceextract.md §2.7.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from mu0.traceextract.backends.interfaces import PatchFeatures
from mu0.traceextract.keypoints.bipartite import bipartite_entities

Clustering = Literal["kmeans", "bipartite"]
MAX_ROUNDS = 50
POSITION_WEIGHT = 1.0  # of the patch coordinates beside the descriptors


def k_means(features: Float[np.ndarray, "n d"], n_clusters: int, seed: int) -> Int[np.ndarray, " n"]:
    """Lloyd's algorithm from k-means++ starts; equal seeds give equal labels."""
    rng = np.random.default_rng(seed)
    n_clusters = min(n_clusters, len(features))
    centres = features[rng.integers(len(features))][None]
    nearest = ((features - centres[0]) ** 2).sum(1)
    while len(centres) < n_clusters and nearest.sum() > 0:
        chosen = features[rng.choice(len(features), p=nearest / nearest.sum())]
        centres = np.concatenate([centres, chosen[None]])
        nearest = np.minimum(nearest, ((features - chosen) ** 2).sum(1))
    labels = np.zeros(len(features), int)
    for _ in range(MAX_ROUNDS):
        distance = (centres**2).sum(1) - 2 * features @ centres.T
        new = distance.argmin(1)
        if (new == labels).all():
            break
        labels = new
        sizes = np.bincount(labels, minlength=len(centres))
        sums = np.stack([np.bincount(labels, column, len(centres)) for column in features.T], 1)
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres)
    return labels


def entities_of_patches(
    features: PatchFeatures, n_entities: int, seed: int, clustering: Clustering = "kmeans"
) -> Int[np.ndarray, "s rows columns"]:
    """The entity of every patch of every sampled frame."""
    n, rows, columns, _ = features.descriptors.shape
    row, column = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    place = np.broadcast_to(np.stack([row, column], -1), (n, rows, columns, 2)) * POSITION_WEIGHT
    joined = np.concatenate([features.descriptors, place], -1).astype(np.float64)
    if clustering == "bipartite":
        return bipartite_entities(joined, n_entities)
    return k_means(joined.reshape(n * rows * columns, -1), n_entities, seed).reshape(n, rows, columns)
