"""A second chance near the choice: who went with a body then is carried by it, if depth vouches for that."""

import numpy as np

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.carrying import RideSettings
from mu0.traceextract.bodies.local_ride import WINDOW_FRAMES, ride_locally
from mu0.traceextract.bodies.reacquisition import WholeTracks, ride_bodies
from mu0.traceextract.bodies.rigid_groups import MIN_OVERLAP_FRAMES, Body
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd
from mu0.traceextract.tracking.world_tracks import LOOSE
from tests.mu0.traceextract import square_scene as scene

SCENE: Reconstruction = reconstruct_rgbd(scene.footage())
N = scene.N_FRAMES
ALONG = scene.STEP_M * np.arange(N)[:, None, None] * np.array([1.0, 0, 0])
ACROSS = scene.STEP_M * np.arange(N)[:, None, None] * np.array([0, 1.0, 0])
STOP = 9  # after this frame a bad track goes no further with the square


def _slide() -> Body:
    pose = np.tile(np.eye(4), (N, 1, 1))
    pose[:, 0, 3] = scene.STEP_M * np.arange(N)
    return Body(pose, np.ones(N, bool))


def _on_square(x_px: float) -> np.ndarray:
    pixel = np.array([scene.START_PX + x_px - 63.5, 66 - 63.5])
    return scene.SQUARE_M * np.array([*(pixel / scene.FOCAL_PX), 1.0])


def _ride(world: np.ndarray, chosen: int | None = 4) -> WholeTracks:
    seen = np.ones(world.shape[:2], bool)
    query_frame = None if chosen is None else np.full(world.shape[1], chosen)
    return ride_bodies(world, seen, [_slide()], SCENE, RideSettings(), query_frame)


def test_a_track_that_slides_off_later_is_carried_through_the_whole_clip() -> None:
    truth = _on_square(18) + ALONG
    track = truth.copy()
    track[STOP:] = truth[STOP]
    assert _ride(track, None).rides_on.tolist() == [LOOSE]
    found = _ride(track)
    assert found.rides_on.tolist() == [1]
    assert found.visible.all()
    np.testing.assert_allclose(found.points_world, truth, atol=1e-9)


def test_where_it_slid_it_is_not_measured() -> None:
    track = _on_square(18) + ALONG
    track[STOP:] = track[STOP]
    assert _ride(track).is_measured[:, 0].tolist() == [frame <= STOP for frame in range(N)]


def test_what_never_went_with_the_body_stays_loose() -> None:
    track = _on_square(18) + ACROSS
    found = _ride(track)
    assert found.rides_on.tolist() == [LOOSE]
    np.testing.assert_array_equal(found.points_world, track)


def test_what_goes_with_the_body_at_other_times_stays_loose() -> None:
    track = _on_square(18) + ALONG
    track[STOP:] = track[STOP]
    assert _ride(track, N - 1).rides_on.tolist() == [LOOSE]


def test_a_ride_through_places_that_were_seen_through_is_refused() -> None:
    """Beside the square, where the camera sees the wall."""
    track = _on_square(scene.SQUARE_PX + 8) + ALONG
    track[STOP:] = track[STOP]
    assert _ride(track).rides_on.tolist() == [LOOSE]


def test_going_along_while_the_body_rests_tells_nothing() -> None:
    """A point of the wall, and a body that glides over it from the twelfth frame on."""
    pose = np.tile(np.eye(4), (N, 1, 1))
    pose[:, 0, 3] = 0.5 * scene.STEP_M * (np.arange(N) - 12).clip(0)
    glides, seen = Body(pose, np.ones(N, bool)), np.ones((N, 1), bool)
    world = np.array([0, -0.3, scene.WALL_M]) + pose[:, None, :3, 3]
    for chosen, expected in ((4, -1), (16, 0)):
        asked = world, seen, [glides], SCENE, RideSettings(), np.array([chosen])
        assert ride_locally(*asked)[0].tolist() == [expected]


def test_too_few_measurements_near_the_choice_tell_nothing() -> None:
    world = _on_square(18) + ALONG
    for n_seen, expected in ((MIN_OVERLAP_FRAMES - 1, -1), (MIN_OVERLAP_FRAMES, 0)):
        seen = np.arange(N)[:, None] < n_seen
        assert n_seen <= WINDOW_FRAMES + 1
        asked = world, seen, [_slide()], SCENE, RideSettings(), np.array([0])
        assert ride_locally(*asked)[0].tolist() == [expected]


def test_nothing_changes_where_every_point_is_explained() -> None:
    track = np.concatenate([_on_square(x_px) + ALONG for x_px in (6, 18, 30)], 1)
    with_chance, without = _ride(track), _ride(track, None)
    for name, value in vars(without).items():
        np.testing.assert_array_equal(getattr(with_chance, name), value)


def test_the_same_twice() -> None:
    track = np.concatenate([_on_square(x_px) + ALONG for x_px in (6, 18, 30)], 1)
    track[STOP:] = track[STOP]
    first, second = _ride(track), _ride(track)
    for name, value in vars(first).items():
        np.testing.assert_array_equal(getattr(second, name), value)


def test_it_is_trusted_like_a_point_that_nothing_carries() -> None:
    track = _on_square(18) + ALONG
    track[STOP:] = track[STOP]
    drifting, whole = _ride(track), _ride(_on_square(18) + ALONG)
    assert drifting.confidence.max() < 0.5 < whole.confidence.min()
