"""Carrying lost grid points: what lies on the sliding square slides, what lies on the wall stays."""

import numpy as np

from mu0.geometry.camera import unproject
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.registry import load_reconstructor
from mu0.traceextract.traceforge.grid_fill import carry_by_neighbours
from mu0.traceextract.tracking.world_tracks import WorldTracks
from tests.mu0.traceextract import square_scene as scene


def _points(x: float, y: float, z: float, n: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    pixel = np.concatenate([[[x, y]] + rng.uniform(-5, 5, (n, 2)) * (n > 1), np.full((n, 1), z)], -1)
    return unproject(pixel, scene.INTRINSICS)


def test_the_square_carries_its_points_and_the_wall_does_not_move() -> None:
    footage = scene.footage()
    found_scene = load_reconstructor("rgbd", ExtractParams().learned).reconstruct(footage)
    slide = np.arange(scene.N_FRAMES)[:, None, None] * [scene.STEP_M, 0, 0]
    riders = _points(30, 65, scene.SQUARE_M, 6) + slide
    n = riders.shape[1]
    tracks = WorldTracks(
        points_world=riders.astype(np.float32),
        uv_px=np.zeros((scene.N_FRAMES, n, 2), np.float32),
        visible=np.ones((scene.N_FRAMES, n), bool),
        confidence=np.ones((scene.N_FRAMES, n), np.float32),
        query_frame=np.zeros(n, np.int32),
        entity=np.ones(n, np.int32),
        is_moving=np.ones(n, bool),
        intrinsics=scene.INTRINSICS,
        camera_from_world=found_scene.camera_from_world,
        pose_source="given",
        rides_on=np.ones(n, np.int32),
    )
    on_square, on_wall, far = _points(42, 72, 0.8), _points(40, 45, 1.0), _points(120, 120, 1.0)
    start = np.concatenate([on_square, on_wall, far])
    carried, has_body = carry_by_neighbours(start, tracks, found_scene)
    np.testing.assert_array_equal(has_body, [True, False, False])
    np.testing.assert_allclose(carried[:, 0], on_square + slide[:, 0], atol=1e-6)
    np.testing.assert_allclose(carried[:, 1:], np.repeat(start[None, 1:], scene.N_FRAMES, 0))
