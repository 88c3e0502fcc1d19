"""Depth of joints: the image's where it sees the hand, the hand's shape elsewhere, nothing without depth."""

import numpy as np

from mu0.episodes.hand_skeletons import FROM_IMAGE, FROM_SHAPE, RELATIVE
from mu0.traceextract.hands.joint_depth import joint_depth
from tests.mu0.traceextract.hands.toy_hands import joints

FOCAL_PX = 500.0
HAND = joints(100, 200)[None]
FLAT_M = np.full((1, 240, 320), 0.8)


def test_joints_take_the_depth_of_the_image() -> None:
    depth, source = joint_depth(HAND, FLAT_M, FOCAL_PX)
    np.testing.assert_allclose(depth, 0.8, atol=1e-6)
    assert (source == FROM_IMAGE).all()


def test_a_joint_behind_something_gets_its_place_in_the_hand() -> None:
    hidden = FLAT_M.copy()
    x, y = HAND[0, 8, :2].round().astype(int)
    hidden[0, y - 4 : y + 5, x - 4 : x + 5] = 0.5  # an object before the tip of the index finger
    depth, source = joint_depth(HAND, hidden, FOCAL_PX)
    np.testing.assert_allclose(depth[0, 8], 0.8, atol=1e-6)
    assert source[0, 8] == FROM_SHAPE


def test_relative_depth_becomes_metres_at_the_distance_of_the_hand() -> None:
    tilted = HAND.copy()
    tilted[0, 8, 2] = -50.0  # the tip is nearer by 50 px of the picture
    hidden = FLAT_M.copy()
    x, y = HAND[0, 8, :2].round().astype(int)
    hidden[0, y - 4 : y + 5, x - 4 : x + 5] = 0
    depth, _ = joint_depth(tilted, hidden, FOCAL_PX)
    np.testing.assert_allclose(depth[0, 8], 0.8 * (1 - 50 / FOCAL_PX), atol=1e-6)


def test_without_depth_nothing_is_known() -> None:
    depth, source = joint_depth(HAND, np.zeros_like(FLAT_M), FOCAL_PX)
    assert np.isnan(depth).all()
    assert (source == RELATIVE).all()
