"""Re-acquisition: hidden points stay on their body, see-through claims are refused, gaps are bridged."""

import numpy as np

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.carrying import RideSettings
from mu0.traceextract.bodies.reacquisition import bridge_gaps, ride_bodies
from mu0.traceextract.bodies.rigid_groups import Body
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from mu0.traceextract.tracking.world_tracks import LOOSE, STILL, fill_gaps
from tests.mu0.traceextract import square_scene as scene

SCENE: Reconstruction = reconstruct_rgbd(scene.footage())
N = scene.N_FRAMES


def _slide() -> Body:
    pose = np.tile(np.eye(4), (N, 1, 1))
    pose[:, 0, 3] = scene.STEP_M * np.arange(N)
    return Body(pose, np.ones(N, bool))


def _world_of(x_px: float, y_px: float, z_m: float) -> np.ndarray:
    return np.array([(x_px - 63.5) * z_m / scene.FOCAL_PX, (y_px - 63.5) * z_m / scene.FOCAL_PX, z_m])


def test_a_point_lost_after_three_frames_rides_on_and_is_visible() -> None:
    start = _world_of(scene.START_PX + 18, 66, scene.SQUARE_M)
    world = start + np.arange(N)[:, None, None] * np.array([scene.STEP_M, 0, 0])
    seen = np.zeros((N, 1), bool)
    seen[:3] = True
    found = ride_bodies(np.where(seen[..., None], world, np.nan), seen, [_slide()], SCENE, RideSettings())
    assert found.rides_on.tolist() == [1]
    assert found.visible.all()
    np.testing.assert_allclose(found.points_world, world, atol=1e-9)


def test_a_covered_wall_point_stays_and_is_hidden_only_while_covered() -> None:
    x_px = scene.START_PX + scene.SQUARE_PX + 20
    world = np.tile(_world_of(x_px, 66, scene.WALL_M), (N, 1, 1))
    left = scene.START_PX + scene.STEP_PX * np.arange(N)
    covered = (left <= x_px) & (x_px < left + scene.SQUARE_PX)
    seen = ~covered[:, None]
    found = ride_bodies(np.where(seen[..., None], world, np.nan), seen, [_slide()], SCENE, RideSettings())
    assert found.rides_on.tolist() == [STILL]
    assert (found.visible[:, 0] == ~covered).all()


def test_a_point_of_the_square_is_not_still_even_if_seen_only_once() -> None:
    world = np.full((N, 1, 3), np.nan)
    world[0, 0] = _world_of(scene.START_PX + 5, 66, scene.SQUARE_M)
    seen = np.isfinite(world[..., 0])
    assert ride_bodies(world, seen, [], SCENE, RideSettings()).rides_on.tolist() == [LOOSE]
    assert ride_bodies(world, seen, [_slide()], SCENE, RideSettings()).rides_on.tolist() == [1]


def test_a_body_must_put_a_point_where_it_was_chosen() -> None:
    """A track that begins on the wall beside the square and then goes over to it is not the square's."""
    start = _world_of(scene.START_PX + 18, 66, scene.SQUARE_M)
    world = start + np.arange(N)[:, None, None] * np.array([scene.STEP_M, 0, 0])
    world[0, 0] = _world_of(scene.START_PX - 3, 66, scene.WALL_M)
    seen = np.ones((N, 1), bool)
    chosen, later = np.array([0]), np.array([3])
    for query_frame, expected in ((chosen, LOOSE), (later, 1), (None, 1)):
        found = ride_bodies(world, seen, [_slide()], SCENE, RideSettings(), query_frame)
        assert found.rides_on.tolist() == [expected]


def test_unknown_poses_are_interpolated_and_held_at_the_ends() -> None:
    body = _slide()
    known = np.zeros(N, bool)
    known[[4, 8]] = True
    filled = bridge_gaps(Body(body.world_from_body, known)).world_from_body[:, 0, 3]
    np.testing.assert_allclose(filled, scene.STEP_M * np.arange(N).clip(4, 8), atol=1e-12)


def test_gaps_are_linear_inside_and_constant_outside() -> None:
    world = np.full((5, 1, 3), np.nan)
    world[1], world[3] = 1.0, 3.0
    filled = fill_gaps(world, np.isfinite(world[..., 0]))
    assert filled[:, 0, 0].tolist() == [1, 1, 2, 3, 3]
