"""Who rests without doubt: measured often, in its place, and never seen through."""

import numpy as np

from mu0.traceextract.bodies.carrying import RideSettings
from mu0.traceextract.bodies.reacquisition import ride_bodies
from mu0.traceextract.bodies.resting import find_resting
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from tests.mu0.traceextract import square_scene as scene

SCENE = reconstruct_rgbd(scene.footage())
N = scene.N_FRAMES


def _world_of(x_px: float, y_px: float, z_m: float) -> np.ndarray:
    return np.array([(x_px - 63.5) * z_m / scene.FOCAL_PX, (y_px - 63.5) * z_m / scene.FOCAL_PX, z_m])


def _rests(world: np.ndarray, seen: np.ndarray) -> list[bool]:
    world = np.where(seen[..., None], world, np.nan)
    whole = ride_bodies(world, seen, [], SCENE, RideSettings())
    return find_resting(whole, world, seen, SCENE, 0.02).tolist()


def test_a_wall_point_rests_and_a_point_of_the_square_does_not() -> None:
    wall = np.tile(_world_of(100, 20, scene.WALL_M), (N, 1))
    rider = _world_of(scene.START_PX + 18, 66, scene.SQUARE_M) + np.arange(N)[:, None] * [scene.STEP_M, 0, 0]
    left_behind = np.tile(_world_of(scene.START_PX + 3, 66, scene.SQUARE_M), (N, 1))
    world = np.stack([wall, rider, left_behind], 1)
    assert _rests(world, np.ones((N, 3), bool)) == [True, False, False]


def test_noise_is_rest_and_wandering_is_not() -> None:
    place = _world_of(100, 20, scene.WALL_M)
    shaken = place + np.random.default_rng(0).normal(0, 0.0015, (N, 3))
    wandering = place + np.linspace(0, 0.03, N)[:, None] * [1, 0, 0]
    assert _rests(np.stack([shaken, wandering], 1), np.ones((N, 2), bool)) == [True, False]


def test_what_was_hardly_measured_is_no_proof() -> None:
    world = np.tile(_world_of(100, 20, scene.WALL_M), (N, 2, 1))
    seen = np.ones((N, 2), bool)
    seen[5:, 1] = False
    assert _rests(world, seen) == [True, False]
