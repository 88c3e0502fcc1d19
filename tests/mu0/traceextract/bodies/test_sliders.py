"""Movers before a moving camera: who leaves a place empty, and whose track only slides."""

import numpy as np

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.reacquisition import WholeTracks
from mu0.traceextract.bodies.sliders import find_sliders
from mu0.traceextract.tracking.witnesses import call_witnesses, depth_gaps, moved_mask
from mu0.traceextract.tracking.world_tracks import LOOSE, STILL

T, SIDE, FOCAL = 24, 96, 96.0
WALL_M, POST_M, BOX_M = 1.5, 1.0, 0.9
POST_X = (-0.20, -0.08)  # a post before the wall, still
BOX_SIDE_M, BOX_Y, BOX_STEP_M = 0.2, 0.05, 0.02
INTRINSICS = np.array([[FOCAL, 0, 47.5], [0, FOCAL, 47.5], [0, 0, 1.0]])
NOTHING = np.zeros((SIDE, SIDE), bool)


def _scene(*, camera_moves: bool = True, box: bool = True, noise_m: float = 0.0) -> Reconstruction:
    """A wall, a post, and a box that slides to the right, seen by a camera that travels to the right."""
    rng = np.random.default_rng(0)
    eye = 0.012 * np.arange(T) * camera_moves
    column, row = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    depth = np.full((T, SIDE, SIDE), WALL_M, np.float32)
    for frame in range(T):
        x = (column - 47.5) / FOCAL * POST_M + eye[frame]
        depth[frame][(x > POST_X[0]) & (x < POST_X[1])] = POST_M
        x, y = (column - 47.5) / FOCAL * BOX_M + eye[frame], (row - 47.5) / FOCAL * BOX_M
        left = -0.3 + BOX_STEP_M * frame
        if box:
            inside = (x > left) & (x < left + BOX_SIDE_M) & (np.abs(y - BOX_Y) < BOX_SIDE_M / 2)
            depth[frame][inside] = BOX_M
    depth += noise_m * rng.standard_normal(depth.shape).astype(np.float32) * depth**2
    poses = np.tile(np.eye(4), (T, 1, 1))
    poses[:, 0, 3] = -eye
    return Reconstruction(depth, INTRINSICS, poses, "given")


def _tracks(points: np.ndarray, rides_on: list[int]) -> WholeTracks:
    everywhere = np.ones(points.shape[:2], bool)
    nothing = np.zeros(points.shape[:2], int)
    return WholeTracks(
        points, everywhere, everywhere.astype(float), np.array(rides_on), everywhere, nothing, nothing
    )


def _line(start: tuple[float, float, float], step: tuple[float, float, float]) -> np.ndarray:
    return np.array(start) + np.arange(T)[:, None] * np.array(step)


ON_BOX = _line((-0.2, BOX_Y, BOX_M), (BOX_STEP_M, 0, 0))
DOWN_THE_POST = _line((-0.14, -0.2, POST_M), (0, 0.015, 0))
ON_THE_RIM = _line((POST_X[1], -0.2, POST_M), (0, 0.015, 0))  # half post, half wall
OVER_THE_WALL = _line((-0.1, -0.4, WALL_M), (0.015, 0.01, 0))
ON_WALL = _line((0.3, 0.3, WALL_M), (0, 0, 0))


def _sliders(scene: Reconstruction) -> list[bool]:
    points = np.stack([ON_BOX, DOWN_THE_POST, ON_THE_RIM, OVER_THE_WALL, ON_WALL], 1)
    tracks = _tracks(points, [LOOSE, LOOSE, LOOSE, LOOSE, STILL])
    return find_sliders(tracks, np.array([True, True, True, True, False]), scene).tolist()


def test_only_what_leaves_its_place_moves() -> None:
    assert _sliders(_scene()) == [False, True, True, True, False]


def test_the_margin_follows_the_noise_of_depth() -> None:
    assert _sliders(_scene(noise_m=0.02)) == [False, True, True, True, False]


def test_a_camera_that_stands_needs_no_witnesses() -> None:
    assert not any(_sliders(_scene(camera_moves=False)))


def test_a_body_moves_as_a_whole_or_not_at_all() -> None:
    hidden_rider = _line((-0.2, BOX_Y, BOX_M + 0.59), (BOX_STEP_M, 0, 0))  # no frame looks through its places
    points = np.stack([ON_BOX, hidden_rider, DOWN_THE_POST, OVER_THE_WALL], 1)
    found = find_sliders(_tracks(points, [1, 1, 2, 2]), np.ones(4, bool), _scene())
    assert found.tolist() == [False, False, True, True]


def test_parallax_is_no_change_of_depth() -> None:
    scene = _scene(box=False)
    witnesses = call_witnesses(scene)
    assert witnesses is not None
    gaps = depth_gaps(scene, 0, witnesses, 1)
    assert np.nanmax(np.abs(gaps)) < 0.01
    assert not moved_mask(scene, 0, ~NOTHING, witnesses).any()


def test_a_thing_that_comes_before_another_is_a_change_of_depth() -> None:
    scene = _scene()
    witnesses = call_witnesses(scene)
    assert witnesses is not None
    assert (depth_gaps(scene, 0, witnesses, 1) < -0.3).any()
    mask = moved_mask(scene, 0, ~NOTHING, witnesses)
    column, row = round(47.5 - 0.2 / BOX_M * FOCAL), round(47.5 + BOX_Y / BOX_M * FOCAL)
    assert mask[row, column]
