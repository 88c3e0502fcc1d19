"""Identity of hands: places decide, names help; gaps are bridged or kept open; guesses are not believed."""

import numpy as np
import pytest

from mu0.traceextract.hands.identity import identify
from tests.mu0.traceextract.hands.toy_hands import joints, sighting

FPS_HZ = 10.0


def test_two_hands_keep_their_numbers_whatever_order_they_are_told_in() -> None:
    frames = [[sighting(100 + 9 * t, 200), sighting(500 - 9 * t, 220, "left")] for t in range(12)]
    frames = [pair if t % 2 else pair[::-1] for t, pair in enumerate(frames)]
    hands = identify(frames, FPS_HZ)
    assert len(hands) == 2
    wrist = hands.landmarks[:, :, 0, 0]
    right = hands.handedness.index("right")
    np.testing.assert_allclose(wrist[right], 100 + 9 * np.arange(12))
    np.testing.assert_allclose(wrist[1 - right], 500 - 9 * np.arange(12))


def test_hands_that_pass_each_other_stay_themselves() -> None:
    frames = [[sighting(100 + 20 * t, 200), sighting(400 - 20 * t, 230, "left")] for t in range(16)]
    hands = identify(frames, FPS_HZ)
    assert len(hands) == 2
    right = hands.handedness.index("right")
    np.testing.assert_allclose(hands.landmarks[right, :, 0, 0], 100 + 20 * np.arange(16))


def test_a_hand_seen_twice_in_a_frame_is_one() -> None:
    hands = identify([[sighting(100 + t, 200), sighting(103 + t, 201, score=0.7)] for t in range(6)], FPS_HZ)
    assert len(hands) == 1
    np.testing.assert_allclose(hands.landmarks[0, :, 0, 0], 100 + np.arange(6))


def test_a_short_gap_is_bridged_straight_and_not_called_seen() -> None:
    frames = [[] if t in {4, 5} else [sighting(100 + 10 * t, 200)] for t in range(10)]
    hands = identify(frames, FPS_HZ)
    np.testing.assert_allclose(hands.landmarks[0, :, 0, 0], 100 + 10 * np.arange(10))
    assert hands.lives.all()
    assert not hands.is_seen[0, 4:6].any()


def test_a_long_gap_stays_open_and_the_hand_is_itself_again() -> None:
    frames = [[] if 5 <= t < 15 else [sighting(100 + 2 * t, 200)] for t in range(20)]
    hands = identify(frames, FPS_HZ)
    assert len(hands) == 1
    assert not hands.lives[0, 5:15].any()
    assert np.isnan(hands.landmarks[0, 5:15]).all()


@pytest.mark.parametrize("handedness", ["left", "right"])
def test_another_hand_after_a_pause_is_itself_only_under_the_same_name(handedness: str) -> None:
    frames = [[sighting(100, 200)]] * 5 + [[]] * 10 + [[sighting(300, 200, handedness)]] * 5
    assert len(identify(frames, FPS_HZ)) == (1 if handedness == "right" else 2)


def test_a_name_that_flickers_makes_no_new_hand_and_the_name_is_the_usual_one() -> None:
    hands = identify([[sighting(100, 200, "left" if t == 3 else "right")] for t in range(8)], FPS_HZ)
    assert hands.handedness == ("right",)
    assert hands.is_seen.all()  # the shape was right


def test_the_skeleton_of_the_other_hand_is_not_believed() -> None:
    frames = [[sighting(100, 200, "left", mirrored=True) if t == 3 else sighting(100, 200)] for t in range(8)]
    hands = identify(frames, FPS_HZ)
    assert not hands.is_seen[0, 3]
    np.testing.assert_allclose(hands.landmarks[0, 3, :, :2], joints(100, 200)[:, :2])


def test_of_two_readings_of_one_hand_the_usual_name_counts() -> None:
    twisted = [sighting(100, 200, "left", 0.99, mirrored=True), sighting(100, 200, score=0.6)]
    hands = identify([twisted if t == 3 else [sighting(100, 200)] for t in range(8)], FPS_HZ)
    assert hands.is_seen.all()
    np.testing.assert_allclose(hands.landmarks[0, 3, :, :2], joints(100, 200)[:, :2])


def test_what_shows_up_for_a_moment_is_no_hand_and_is_counted() -> None:
    hands = identify([[sighting(100, 200)] if t == 3 else [] for t in range(8)], FPS_HZ)
    assert len(hands) == 0
    assert hands.n_left_out == 1
    assert len(identify([[], []], FPS_HZ)) == 0
