"""Still scene, moving camera, no depth: parallax is no motion; what moves by itself is found, exactly."""

import numpy as np
import pytest

from mu0.traceextract.pixels.rigid_scene import SceneReport, judge_scene

WIDTH, HEIGHT, FOCAL = 640, 480, 500.0
DIAGONAL = 800.0
N_FRAMES, N_STILL, N_MOVERS = 24, 80, 25
SHARE = 0.02


def _still_points(rng: np.random.Generator) -> np.ndarray:
    """Points of a deep scene in view of every camera below."""
    z = rng.uniform(0.8, 2.5, N_STILL)
    xy = rng.uniform(-0.4, 0.4, (N_STILL, 2)) * z[:, None]
    return np.concatenate([xy, z[:, None]], 1)


def _mover(rng: np.random.Generator, n_points: int = N_MOVERS) -> np.ndarray:
    """An object of 16 cm, 1 m away, on a curve of half a metre: (t, n, 3)."""
    body = rng.uniform(-0.08, 0.08, (n_points, 3)) + np.array([0, 0, 1.0])
    angle = np.linspace(0, 3, N_FRAMES)[:, None]
    path = 0.2 * np.concatenate([np.cos(angle) - 1, np.sin(angle), 0.3 * angle], 1)
    return body + path[:, None]


def _pixels(
    points: np.ndarray, centre: np.ndarray, turn: np.ndarray, rng: np.random.Generator, noise_px: float
) -> np.ndarray:
    """Pictures of points (t, n, 3) by cameras at `centre` (t, 3), turned by `turn` [rad] around y (t)."""
    seen = points - centre[:, None]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, z = cos * seen[..., 0] - sin * seen[..., 2], sin * seen[..., 0] + cos * seen[..., 2]
    pixel = FOCAL * np.stack([x / z, seen[..., 1] / z], -1) + (WIDTH / 2, HEIGHT / 2)
    return pixel + noise_px * rng.standard_normal(pixel.shape)


def _judge(*, travels: bool, turns: bool, mover: bool, noise_px: float = 0.3, n_still: int = N_STILL):
    rng = np.random.default_rng(7)
    still = np.repeat(_still_points(rng)[None, :n_still], N_FRAMES, 0)
    points = np.concatenate([still, _mover(rng)], 1) if mover else still
    time = np.linspace(0, 1, N_FRAMES)
    way = np.stack([0.25 * time, 0.1 * np.sin(4 * time), 0.1 * time**2], 1)
    centre = way if travels else np.zeros((N_FRAMES, 3))
    turn = 0.25 * np.sin(3 * time) if turns else np.zeros(N_FRAMES)
    pixel = _pixels(points, centre, turn, rng, noise_px)
    return judge_scene(pixel, np.ones(pixel.shape[:2], bool), DIAGONAL, SHARE), n_still


@pytest.mark.parametrize("noise_px", [0.0, 0.6])
@pytest.mark.parametrize(("travels", "turns"), [(True, False), (True, True), (False, True), (False, False)])
def test_nothing_moves_in_a_still_scene(*, travels: bool, turns: bool, noise_px: float) -> None:
    found, _ = _judge(travels=travels, turns=turns, mover=False, noise_px=noise_px)
    assert not found.is_moving.any()
    assert not found.is_doubtful
    assert (found.camera_moves > 0.9) == (travels or turns)


@pytest.mark.parametrize(("travels", "turns"), [(True, False), (True, True), (False, True), (False, False)])
def test_what_moves_by_itself_is_found_exactly(*, travels: bool, turns: bool) -> None:
    found, n_still = _judge(travels=travels, turns=turns, mover=True)
    assert not found.is_moving[:n_still].any()
    assert found.is_moving[n_still:].all()
    assert not found.is_doubtful


def test_a_lone_track_that_slides_is_no_mover() -> None:
    rng = np.random.default_rng(0)
    points = np.repeat(_still_points(rng)[None], N_FRAMES, 0)
    centre = np.stack([np.linspace(0, 0.3, N_FRAMES), np.zeros(N_FRAMES), np.zeros(N_FRAMES)], 1)
    pixel = _pixels(points, centre, np.zeros(N_FRAMES), rng, 0.3)
    pixel[:, 5, 1] += np.linspace(0, 40, N_FRAMES)
    found = judge_scene(pixel, np.ones(pixel.shape[:2], bool), DIAGONAL, SHARE)
    assert found.violation_px[5] > 5
    assert not found.is_moving.any()


def test_a_moving_majority_is_told() -> None:
    found, _ = _judge(travels=True, turns=True, mover=True, n_still=14)
    assert found.is_doubtful
    assert found.residuals()["motion_doubtful"] == 1


def test_too_few_points_to_tell_move_nothing_and_are_told() -> None:
    rng = np.random.default_rng(1)
    points = np.repeat(_still_points(rng)[None, :9], N_FRAMES, 0)
    centre = np.stack([np.linspace(0, 0.5, N_FRAMES), np.zeros(N_FRAMES), np.zeros(N_FRAMES)], 1)
    pixel = _pixels(points, centre, np.zeros(N_FRAMES), rng, 0.3)
    found = judge_scene(pixel, np.ones(pixel.shape[:2], bool), DIAGONAL, SHARE)
    assert not found.is_moving.any()
    assert found.is_doubtful


def test_points_that_are_hardly_seen_and_no_points_at_all_are_fine() -> None:
    is_seen = np.zeros((N_FRAMES, 5), bool)
    is_seen[3] = True
    found = judge_scene(np.zeros((N_FRAMES, 5, 2)), is_seen, DIAGONAL, SHARE)
    assert not found.is_moving.any()
    empty = judge_scene(np.zeros((N_FRAMES, 0, 2)), np.zeros((N_FRAMES, 0), bool), DIAGONAL, SHARE)
    assert isinstance(empty, SceneReport)
    assert empty.is_moving.shape == (0,)


def test_the_same_tracks_give_the_same_answer() -> None:
    first, again = (_judge(travels=True, turns=True, mover=True)[0] for _ in range(2))
    assert first.violation_px.tobytes() == again.violation_px.tobytes()
