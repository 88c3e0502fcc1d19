"""What the actor does in every frame: the likeliest course of skills, given how it moves and what it holds.

    reach, grasp, lift, transport, place, release, retreat      something is picked up and put down
    push                                                        something is moved along and never lifted
    idle                                                        nothing moves

Each frame speaks for some skills and against others: a grasp is at rest, a lift goes up with something in
the hand, a retreat goes away with nothing. The course that agrees best with all frames, in an order that
makes sense and with few changes, is found by dynamic programming (Viterbi 1967). Where no object's points
were followed, movement alone decides, and only if the source's instruction says that something is handled:
whether something is held is then inferred, not seen, and `Skill.is_seen` says so.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from mu0.traceextract.captions.evidence.contact import Contact

SkillName = Literal["idle", "reach", "grasp", "lift", "transport", "place", "release", "push", "retreat"]
SKILL_NAMES: tuple[SkillName, ...] = get_args(SkillName)
HOLDING = ("lift", "transport", "place", "push")
RESTING = ("idle", "grasp", "release")
NEXT: dict[str, tuple[str, ...]] = {
    "idle": ("reach",),
    "reach": ("grasp", "push", "idle", "lift"),
    "grasp": ("lift",),
    "lift": ("transport", "place"),
    "transport": ("place", "lift", "release"),
    "place": ("release", "transport", "retreat"),
    "release": ("retreat",),
    "push": ("retreat",),
    "retreat": ("idle", "reach"),
}
ONE_AFTER_ANOTHER: tuple[SkillName, ...] = (
    "idle", "reach", "grasp", "lift", "transport", "place", "release", "retreat",
)  # fmt: skip
WHOLE: dict[str, tuple[str, ...]] = {
    name: (follower,) for name, follower in itertools.pairwise(ONE_AFTER_ANOTHER)
}
NOTHING: dict[str, tuple[str, ...]] = {"idle": ("reach",), "reach": ("idle",)}
FIRST = ("idle", "reach")
NEVER_LAST = ("grasp",)
CHANGE = 1.5  # what a change of skill costs
ODD_CHANGE = 6.0  # what one costs that skips a step
ODD = {("reach", "lift"), ("place", "retreat"), ("retreat", "reach"), ("place", "transport"),
       ("transport", "lift"), ("transport", "release")}  # fmt: skip
HELD_AT_THE_END = 3.0  # what it costs to leave an episode with something in the hand
AT_REST, HELD, STEEP, HEIGHT = 2.0, 2.0, 1.0, 1.5  # weights of what a frame says
LOW, HIGH = 0.2, 0.6  # of the actor's range of heights: nothing is carried below, grasped or let go above
UNSEEN = 0.1  # what holding something costs per frame in which no object's point tells of it
PAUSE = 3  # a rest is told of if it lasts so many times the shortest skill
INFERRED = 3.0  # by which a course without handling must be better to refute what the source's words say
LEAST_HELD = 5  # frames in which an object must be seen to move with the actor


@dataclass(frozen=True)
class Skill:
    """A run of frames with one skill.

    Attributes:
        name: Which.
        first: First frame.
        last: Last frame, inclusive.
        is_seen: Whether an object's points say what the name says about holding.
    """

    name: SkillName
    first: int
    last: int
    is_seen: bool


def find_skills(
    contact: Contact, up: Float[np.ndarray, " 3"], *, may_infer: bool, shortest: int
) -> tuple[Skill, ...]:
    """The course of an episode; empty if nothing is seen to be handled and it must not be inferred.

    Args:
        contact: How the actor moves and what it holds.
        up: Unit vector against gravity, in the frame of the actor's path.
        may_infer: Whether movement alone may tell of something held.
        shortest: Frames of the shortest run; shorter ones go to a neighbour.
    """
    is_seen = float(contact.held.clip(min=0).sum()) >= LEAST_HELD
    if not is_seen and not may_infer:
        return ()
    scores = _scores(contact, contact.held if is_seen else np.zeros_like(contact.held), up)
    if is_seen:
        course, _ = _likeliest(scores, _changes(NEXT), HELD_AT_THE_END)
    else:
        course, total = _likeliest(scores, _changes(WHOLE), np.inf)
        _, otherwise = _likeliest(scores, _changes(NOTHING), np.inf)
        if total < otherwise - INFERRED:
            return ()
    holding = np.flatnonzero(np.isin(course, [SKILL_NAMES.index(name) for name in HOLDING]))
    if len(holding) == 0:
        return ()
    after = np.arange(len(course)) > holding[-1]
    course[after & (course == SKILL_NAMES.index("reach"))] = SKILL_NAMES.index("retreat")
    return tuple(
        Skill(SKILL_NAMES[course[first]], first, last, is_seen) for first, last in _runs(course, shortest)
    )


def _scores(
    contact: Contact, held: Float[np.ndarray, " t"], up: Float[np.ndarray, " 3"]
) -> Float[np.ndarray, "t s"]:
    """How well each skill explains each frame."""
    speed = np.linalg.norm(contact.velocity, axis=-1)
    steep = np.where(contact.still, 0.0, contact.velocity @ up / np.maximum(speed, 1e-12))
    level = -2 * np.abs(steep)
    direction = {"lift": 2 * steep - 2, "place": -2 * steep - 2, "transport": level, "push": level}
    height = contact.place @ up
    height = (height - height.min()) / max(float(np.ptp(height)), 1e-12)
    low, high = np.maximum(0, LOW - height) / LOW, np.maximum(0, height - HIGH) / (1 - HIGH)
    where = {"transport": low, "push": high, "grasp": high, "release": high}
    scores = np.zeros((len(speed), len(SKILL_NAMES)))
    for number, name in enumerate(SKILL_NAMES):
        fits = contact.still == (name in RESTING)
        scores[:, number] = np.where(fits, 0.0, -AT_REST) - HEIGHT * where.get(name, 0.0)
        if name == "idle":
            scores[:, number] -= np.where(contact.still, AT_REST / 2, AT_REST)
        elif name not in RESTING:
            scores[:, number] += HELD * held * (1.0 if name in HOLDING else -1.0)
        if name in HOLDING:
            turned = STEEP * np.clip(direction[name], -2.5, 0.0)
            scores[:, number] += np.where(contact.still, 0.0, turned - UNSEEN * (held == 0))
    moving = np.flatnonzero(~contact.still)
    scores[: moving[0]] = scores[moving[-1] + 1 :] = 0.0  # before and after all movement anything may be
    return scores


def _likeliest(
    scores: Float[np.ndarray, "t s"], change: Float[np.ndarray, "s s"], held_at_the_end: float
) -> tuple[Int[np.ndarray, " t"], float]:
    """The best course of states, and how good it is."""
    total = np.full(scores.shape, -np.inf)
    came = np.zeros(scores.shape, int)
    first = [SKILL_NAMES.index(name) for name in FIRST]
    total[0, first] = scores[0, first]
    for frame in range(1, len(scores)):
        ways = total[frame - 1][:, None] - change
        came[frame] = ways.argmax(0)
        total[frame] = ways.max(0) + scores[frame]
    total[-1, [SKILL_NAMES.index(name) for name in HOLDING]] -= held_at_the_end
    total[-1, [SKILL_NAMES.index(name) for name in NEVER_LAST]] = -np.inf
    course = np.zeros(len(scores), int)
    course[-1] = int(total[-1].argmax())
    for frame in range(len(scores) - 1, 0, -1):
        course[frame - 1] = came[frame, course[frame]]
    return course, float(total[-1].max())


def _changes(following: Mapping[str, tuple[str, ...]]) -> Float[np.ndarray, "s s"]:
    """What it costs to go from one skill to another; infinite where that makes no sense."""
    cost = np.full((len(SKILL_NAMES), len(SKILL_NAMES)), np.inf)
    np.fill_diagonal(cost, 0.0)
    for name, followers in following.items():
        for follower in followers:
            pair = SKILL_NAMES.index(name), SKILL_NAMES.index(follower)
            cost[pair] = ODD_CHANGE if (name, follower) in ODD else CHANGE
    return cost


def _runs(course: Int[np.ndarray, " t"], shortest: int) -> list[tuple[int, int]]:
    """Inclusive ranges of equal states; one that is too short goes to the shorter neighbour."""
    idle = SKILL_NAMES.index("idle")
    while True:
        starts = [0, *(int(frame) + 1 for frame in np.flatnonzero(np.diff(course)))]
        lengths = np.diff([*starts, len(course)])
        short = np.flatnonzero(lengths < np.where(course[starts] == idle, PAUSE * shortest, shortest))
        if len(short) == 0 or len(starts) == 1:
            break
        run = int(short[0])
        into_left = run == len(starts) - 1 or (run > 0 and lengths[run - 1] <= lengths[run + 1])
        first = starts[run]
        end = [*starts, len(course)][run + 1]
        course[first:end] = course[first - 1] if into_left else course[end]
    return [(first, end - 1) for first, end in itertools.pairwise([*starts, len(course)])]
