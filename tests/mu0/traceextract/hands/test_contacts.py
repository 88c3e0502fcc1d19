"""Contacts: near and moving together; not at rest, not in passing, not for a moment."""

import numpy as np

from mu0.traceextract.hands.contacts import ContactSettings, contacts_of, touches
from tests.mu0.traceextract.hands.toy_hands import joints

N_FRAMES, SCALE_PX, ENTITY = 12, 70.0, 5
SETTINGS = ContactSettings()


def _contacts(hand_x: np.ndarray, thing_x: np.ndarray):
    """A hand, and a thing with two points at the tips of its first two fingers while both are at 0."""
    hand = np.stack([joints(100 + x, 200)[:, :2] for x in hand_x])
    tips = joints(100, 200)[[8, 12], :2] + np.array([3, 0])
    points = np.stack([tips + np.array([x, 0]) for x in thing_x])
    seen, scale = np.ones((N_FRAMES, 2), bool), np.full(N_FRAMES, SCALE_PX)
    return contacts_of(touches(0, hand, points, seen, np.full(2, ENTITY), scale, SETTINGS), SETTINGS)


def test_what_a_hand_carries_is_one_contact_with_its_fingers() -> None:
    (contact,) = _contacts(8.0 * np.arange(N_FRAMES), 8.0 * np.arange(N_FRAMES))
    assert (contact.hand, contact.entity) == (0, ENTITY)
    assert (contact.start, contact.stop) == (0, N_FRAMES)
    assert {8, 12} <= set(contact.joints)


def test_nothing_is_touched_while_both_rest() -> None:
    assert _contacts(np.zeros(N_FRAMES), np.zeros(N_FRAMES)) == ()


def test_a_hand_that_passes_does_not_touch() -> None:
    assert _contacts(8.0 * np.arange(N_FRAMES) - 40, np.zeros(N_FRAMES)) == ()


def test_a_contact_ends_where_the_thing_is_let_go() -> None:
    way = 8.0 * np.arange(N_FRAMES)
    (contact,) = _contacts(way, np.minimum(way, way[6]))
    assert contact.start == 0
    assert 4 <= contact.stop <= 8


def test_a_touch_for_a_moment_is_no_contact() -> None:
    assert contacts_of([(0, ENTITY, 3, 8), (0, ENTITY, 4, 8)], SETTINGS) == ()
    (one,) = contacts_of([(0, ENTITY, frame, 8) for frame in (3, 4, 7)], SETTINGS)
    assert (one.start, one.stop) == (3, 8)
