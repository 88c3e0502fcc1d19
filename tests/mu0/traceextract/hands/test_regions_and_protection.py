"""Regions of hands, and what they forbid: sliding off a hand and onto it."""

import numpy as np

from mu0.traceextract.backends.interfaces import Keypoints, PixelTracks
from mu0.traceextract.hands.identity import Hands, identify
from mu0.traceextract.hands.protection import owner, protect
from mu0.traceextract.hands.regions import Side, off_skin, side_of
from tests.mu0.traceextract.hands.toy_hands import joints, sighting

N_FRAMES = 6
FRAMES = slice(0, N_FRAMES)
HAND = joints(100, 200)[:, :2]
ON_FINGER, ON_PALM, BESIDE, FAR = HAND[7], HAND[[0, 5, 17]].mean(0), HAND[20] + (14, 0), np.array([300.0, 60])


def _hands() -> Hands:
    return identify([[sighting(100, 200)] for _ in range(N_FRAMES)], 10.0)


def _tracks(*paths: list[np.ndarray]) -> tuple[PixelTracks, Keypoints]:
    pixel = np.stack([np.stack(path) for path in paths], 1)
    n = pixel.shape[1]
    chosen = Keypoints(np.zeros(n, int), pixel[0], np.zeros(n, int), np.ones(n, bool))
    return PixelTracks(pixel, np.ones(pixel.shape[:2], bool)), chosen


def test_fingers_and_palm_are_inside_a_near_miss_is_the_rim_and_the_rest_outside() -> None:
    sides = side_of(np.stack([ON_FINGER, ON_PALM, BESIDE, FAR, [np.nan, np.nan]]), HAND)
    assert sides.tolist() == [Side.INSIDE, Side.INSIDE, Side.RIM, Side.OUTSIDE, Side.OUTSIDE]


def test_the_region_grows_with_the_hand() -> None:
    points = np.stack([ON_FINGER, BESIDE, FAR])
    np.testing.assert_allclose(off_skin(3 * points, 3 * HAND), off_skin(points, HAND), atol=1e-6)


def test_a_point_that_slides_off_a_hand_is_unseen_there() -> None:
    path = [ON_FINGER] * 3 + [FAR] * 3
    tracks, chosen = _tracks(path)
    assert protect(tracks, chosen, _hands(), FRAMES).is_seen[:, 0].tolist() == [True] * 3 + [False] * 3


def test_a_point_that_slides_onto_a_hand_is_unseen_there_and_may_come_back() -> None:
    path = [FAR, FAR, ON_PALM, ON_PALM, FAR, FAR]
    tracks, chosen = _tracks(path)
    assert protect(tracks, chosen, _hands(), FRAMES).is_seen[:, 0].tolist() == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]


def test_nothing_is_said_about_the_rim_or_where_no_hand_is() -> None:
    tracks, chosen = _tracks([ON_FINGER] * 3 + [BESIDE] * 3, [BESIDE] * 3 + [ON_FINGER] * 3, [FAR] * 6)
    assert protect(tracks, chosen, _hands(), FRAMES).is_seen.all()
    nobody = identify([[] for _ in range(N_FRAMES)], 10.0)
    sliding, chosen = _tracks([ON_FINGER] * 3 + [FAR] * 3)
    assert protect(sliding, chosen, nobody, FRAMES).is_seen.all()


def test_points_on_a_hand_belong_to_it_and_others_to_nobody() -> None:
    tracks, _ = _tracks([ON_FINGER] * 6, [FAR] * 6, [ON_PALM] * 2 + [FAR] * 4)
    assert owner(tracks.pixel, tracks.is_seen, _hands(), FRAMES).tolist() == [0, -1, -1]
