"""Keypoints: most on what moves, spread out, away from silhouettes, the same for the same seed."""

import numpy as np
import square_scene as scene

from mu0.traceextract.backends.descriptors import PatchDescriptors
from mu0.traceextract.keypoints import KeypointBudget, choose_keypoints, k_means, query_frames
from mu0.traceextract.reconstruction import reconstruct_rgbd

BUDGET = KeypointBudget(n_keypoints=60, n_entities=6, moving_share=0.6)


def _choose(seed: int = 0) -> object:
    footage = scene.footage()
    reconstruction = reconstruct_rgbd(footage)
    features = PatchDescriptors().describe(footage, reconstruction, query_frames(scene.N_FRAMES, 10.0, 1.0))
    return choose_keypoints(footage, reconstruction, features, BUDGET, seed)


def test_query_frames_are_evenly_spread_and_start_at_the_beginning() -> None:
    assert query_frames(31, 10.0, 1.0).tolist() == [0, 10, 20]
    assert query_frames(2, 10.0, 1.0).tolist() == [0]


def test_k_means_separates_far_blobs_and_repeats_itself() -> None:
    rng = np.random.default_rng(0)
    blobs = np.concatenate([rng.normal(c, 0.1, (30, 2)) for c in (0, 5, 10)])
    labels = k_means(blobs, 3, seed=1)
    assert [len(set(labels[i : i + 30])) for i in (0, 30, 60)] == [1, 1, 1]
    assert len(set(labels)) == 3
    assert (labels == k_means(blobs, 3, seed=1)).all()


def test_points_on_movers_lie_on_the_square_and_take_their_share() -> None:
    points = _choose()
    left = scene.START_PX + scene.STEP_PX * points.frame
    inside = points.pixel - np.stack([left, np.full_like(left, scene.TOP_PX)], 1)
    on_square = ((inside >= -2) & (inside < scene.SQUARE_PX + 2)).all(1)
    assert on_square[points.on_mover].mean() > 0.95
    assert 0.4 < points.on_mover.mean() <= 0.7


def test_equal_seeds_choose_equal_points() -> None:
    first, second = _choose(3), _choose(3)
    assert (first.pixel == second.pixel).all()
    assert (first.entity == second.entity).all()
