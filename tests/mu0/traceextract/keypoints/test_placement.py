"""Keypoints: most on what moves, spread out, away from silhouettes, the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest

from mu0.traceextract.backends.interfaces import Keypoints
from mu0.traceextract.keypoints.descriptors import PatchDescriptors
from mu0.traceextract.keypoints.entities import entities_of_patches, k_means
from mu0.traceextract.keypoints.placement import KeypointBudget, choose_keypoints, query_frames
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from tests.mu0.traceextract import square_scene as scene

BUDGET = KeypointBudget(n_keypoints=60, n_entities=6, moving_share=0.6)


def _choose(seed: int = 0, budget: KeypointBudget = BUDGET) -> Keypoints:
    footage = scene.footage()
    reconstruction = reconstruct_rgbd(footage)
    features = PatchDescriptors().describe(footage, reconstruction, query_frames(scene.N_FRAMES, 10.0, 1.0))
    return choose_keypoints(footage, reconstruction, features, budget, seed)


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
    on_square = _on_square(points)
    assert on_square[points.on_mover].mean() > 0.95
    assert 0.4 < points.on_mover.mean() <= 0.7


def _on_square(points: Keypoints) -> np.ndarray:
    left = scene.START_PX + scene.STEP_PX * points.frame
    inside = points.pixel - np.stack([left, np.full_like(left, scene.TOP_PX)], 1)
    return ((inside >= -2) & (inside < scene.SQUARE_PX + 2)).all(1)


@pytest.mark.parametrize("clustering", ["kmeans", "bipartite"])
@pytest.mark.parametrize("allocation", ["per_frame", "per_entity", "peak_frame"])
def test_every_way_to_choose_keeps_the_budget_and_finds_the_mover(clustering: str, allocation: str) -> None:
    budget = replace(BUDGET, clustering=clustering, allocation=allocation)
    points = _choose(budget=budget)
    assert 40 <= len(points.frame) <= 66
    assert 0.4 < points.on_mover.mean() <= 0.7
    assert _on_square(points)[points.on_mover].mean() > 0.9
    again = _choose(budget=budget)
    assert (points.pixel == again.pixel).all()
    assert (points.entity == again.entity).all()


@pytest.mark.parametrize("allocation", ["per_entity", "peak_frame"])
def test_every_entity_gets_points_on_what_does_not_move(allocation: str) -> None:
    footage = scene.footage()
    reconstruction = reconstruct_rgbd(footage)
    features = PatchDescriptors().describe(footage, reconstruction, query_frames(scene.N_FRAMES, 10.0, 1.0))
    points = _choose(budget=replace(BUDGET, n_entities=12, moving_share=0.2, allocation=allocation))
    seen = set(entities_of_patches(features, 12, 0).ravel().tolist())
    found = set(points.entity.tolist())
    assert len(found) >= 0.9 * len(seen)  # an entity may lie on silhouettes or on the border only


def test_a_peak_frame_holds_all_points_of_its_entity() -> None:
    points = _choose(budget=replace(BUDGET, allocation="peak_frame"))
    for entity in set(points.entity.tolist()):
        for on_mover in (True, False):
            frames = points.frame[(points.entity == entity) & (points.on_mover == on_mover)]
            assert len(set(frames.tolist())) <= 1


def test_equal_seeds_choose_equal_points() -> None:
    first, second = _choose(3), _choose(3)
    assert (first.pixel == second.pixel).all()
    assert (first.entity == second.entity).all()
