"""Keypoints on what is likely to move: many points of all entities are asked first, and the likely ones kept.

    probes       four times as many points as wanted, on all entities of the picture (mu0.inference.keypoints)
    keypoints    the likeliest of those that move rather than not; one per entity, the likeliest, if none does

Points are judged one by one, because entities of one picture are rough: a small thing may share its entity
with the table.
"""

import numpy as np
from jaxtyping import Float

from mu0.inference.batch import Ask, predict_batch
from mu0.inference.keypoints import entity_points, lift
from mu0.inference.limits import MAX_KEYPOINTS
from mu0.model.predictor import TracePredictor
from mu0.records import Observation, Queries

PROBES_PER_POINT = 4
LIKELY = 0.5


def likely_points(
    predictor: TracePredictor, observation: Observation, n_entities: int, n_points: int, seed: int
) -> Float[np.ndarray, "q 2"]:
    """At most `n_points` pixels of a picture that are likely to move, the likeliest first.

    Args:
        predictor: Of a model that says what moves (`knows_what_moves`).
        observation: The picture and what is going to happen.
        n_entities: How many entities the picture is clustered into.
        n_points: How many keypoints.
        seed: Of clustering and probing.
    """
    image, depth_m = observation.image, observation.depth_m
    n_probes = min(PROBES_PER_POINT * n_points, MAX_KEYPOINTS)
    probes = entity_points(image, depth_m, n_entities, n_probes, seed)
    ask = Ask(observation, Queries(lift(probes, (image.shape[1], image.shape[0]), depth_m)))
    moves = predict_batch(predictor, [ask], 1, seed)[0].moves
    assert moves is not None, "the caller has asked knows_what_moves"
    n_likely = int((moves >= LIKELY).sum())
    n_kept = min(n_points, n_likely or n_entities)
    return probes[np.argsort(-moves, kind="stable")[:n_kept]]
