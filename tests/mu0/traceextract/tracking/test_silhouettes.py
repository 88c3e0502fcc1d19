"""Beside a silhouette every pixel belongs to the side that its own depth says."""

import numpy as np

from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from mu0.traceextract.tracking.silhouettes import on_own_side
from mu0.traceextract.tracking.witnesses import call_witnesses
from tests.mu0.traceextract import square_scene as scene

SCENE = reconstruct_rgbd(scene.footage())
RESTING = reconstruct_rgbd(scene.footage(moves=False))
SQUARE = np.zeros((128, 128), bool)
SQUARE[scene.TOP_PX : scene.TOP_PX + scene.SQUARE_PX, scene.START_PX : scene.START_PX + scene.SQUARE_PX] = (
    True
)


def _spilled(mask: np.ndarray, by_px: int) -> np.ndarray:
    wide = mask.copy()
    for axis in (0, 1):
        wide = np.any([np.roll(wide, step, axis) for step in range(-by_px, by_px + 1)], axis=0)
    return wide


def test_what_spilled_over_the_edge_is_taken_back() -> None:
    spilled = _spilled(SQUARE, 2)
    found = on_own_side(spilled, SCENE, 0, call_witnesses(SCENE))
    assert not (found & ~SQUARE).any()
    assert found[SQUARE].mean() > 0.95


def test_a_still_thing_beside_nothing_that_moves_loses_its_rim_only() -> None:
    """Flow alone cannot make the rim of a thing move that no frame sees through; its inside may."""
    found = on_own_side(SQUARE, RESTING, 0, call_witnesses(RESTING))
    assert found.sum() < SQUARE.sum()
    assert found[SQUARE].any()


def test_a_speck_that_is_nothing_but_rim_stays_whole() -> None:
    speck = np.zeros_like(SQUARE)
    speck[4:7, 4:7] = True
    np.testing.assert_array_equal(on_own_side(speck, SCENE, 0, call_witnesses(SCENE)), speck)


def test_without_depth_there_are_no_sides() -> None:
    assert on_own_side(SQUARE, SCENE, 0, None) is SQUARE
