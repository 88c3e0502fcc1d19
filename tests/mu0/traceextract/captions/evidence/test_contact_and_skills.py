"""Contact is a change of relative motion, and skills follow from it and from how the actor moves."""

import numpy as np
import pytest
from pick_and_place import N_HAND, PHASES, PUSH, UP, Phases, first_frames, names, play

from mu0.traceextract.captions.evidence.contact import Contact, find_contact
from mu0.traceextract.captions.evidence.paths import Paths
from mu0.traceextract.captions.evidence.skills import HOLDING, Skill, find_skills

RATE_HZ = 10.0


def _contact(position: np.ndarray) -> Contact:
    contact = find_contact(Paths(position, is_3d=True), RATE_HZ)
    assert contact is not None
    return contact


def _skills(position: np.ndarray, up: np.ndarray = UP, *, may_infer: bool = False) -> tuple[Skill, ...]:
    return find_skills(_contact(position), up, may_infer=may_infer, shortest=3)


@pytest.mark.parametrize("phases", [PHASES, PUSH])
def test_the_course_is_what_happened(phases: Phases) -> None:
    skills = _skills(play(phases)[0])
    assert [skill.name for skill in skills] == names(phases)
    assert [skill.first for skill in skills] == pytest.approx(first_frames(phases), abs=1)
    assert all(skill.is_seen for skill in skills)
    assert skills[-1].last == len(play(phases)[0]) - 1


def test_something_is_held_from_grasp_to_release_and_never_else() -> None:
    position, _ = play()
    held = _contact(position).held
    grasp, lift, release, retreat = (first_frames()[i] for i in (1, 2, 5, 6))
    assert (held[:grasp] < 0).all()
    assert (held[lift : release - 1] > 0).all()
    assert (held[retreat : retreat + 8] < 0).all()


def test_parts_of_the_hand_are_no_object() -> None:
    position, _ = play()
    contact = _contact(position[:, :N_HAND])
    assert contact.n_objects == 0
    assert (contact.held == 0).all()


def test_a_shoulder_that_rests_and_turns_is_no_object() -> None:
    position, _ = play()
    shoulder = position[:, :2] * 0 + np.array([0.0, -0.3, 1.2])
    shoulder[:, :, 0] += 0.2 * (position[:, :1, 0] - position[0, 0, 0])  # a fifth of the hand's way
    with_it = np.concatenate([position[:, :N_HAND], shoulder], axis=1)
    assert _contact(with_it).n_objects == 0


def test_the_course_does_not_depend_on_where_the_world_s_axes_point() -> None:
    position, _ = play()
    cosine, sine = np.cos(0.7), np.sin(0.7)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])
    turned = _skills(position @ turn.T + np.array([3.0, -2.0, 0.5]), turn @ UP)
    assert turned == _skills(position)


def test_points_that_are_lost_on_the_way_are_not_put_down_there() -> None:
    position, _ = play()
    lost = first_frames()[3] + 5  # in the middle of the transport
    position[lost:, N_HAND:] = position[lost, N_HAND:]
    skills = _skills(position)
    assert [skill.name for skill in skills] == names()


def test_unseen_handling_is_inferred_only_where_the_source_asks_for_it() -> None:
    hand = play()[0][:, :N_HAND]
    assert _skills(hand) == ()
    inferred = _skills(hand, may_infer=True)
    assert [skill.name for skill in inferred] == names()
    assert not any(skill.is_seen for skill in inferred)


def test_a_wave_of_the_hand_is_no_handling_whatever_the_source_says() -> None:
    time = np.arange(60)
    wave = 0.1 * np.sin(2 * np.pi * time / 20)
    position = np.random.default_rng(0).uniform(-0.05, 0.05, (1, 8, 3)) + np.zeros((60, 8, 3))
    position[:, :, 0] += wave[:, None]
    assert _skills(position, may_infer=True) == ()


def test_nothing_that_moves_is_no_actor() -> None:
    assert find_contact(Paths(np.ones((20, 4, 3)), is_3d=True), RATE_HZ) is None
    assert find_contact(Paths(np.full((20, 4, 3), np.nan), is_3d=True), RATE_HZ) is None


def test_every_frame_has_one_skill_and_a_held_one_needs_a_grasp_before_it() -> None:
    skills = _skills(play()[0])
    assert [skill.first for skill in skills[1:]] == [skill.last + 1 for skill in skills[:-1]]
    held = [skill.name in HOLDING for skill in skills]
    assert skills[held.index(True) - 1].name == "grasp"
