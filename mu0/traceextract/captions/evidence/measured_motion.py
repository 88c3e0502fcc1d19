"""What moved during an event, measured on its traces, so that captions claim nothing else.

Where the episode's course is known (`course.py`), the motion is the actor's, and something is held if the
course says so. Else the first anchor frame of the event shows all its points; each entity's motion is the
mean of its points from there to the event's end, over several anchors where the event is longer than a trace,
and nothing is said about holding: two parts of one hand move together too. In 3-D episodes motion is in
metres, as a viewer behind the camera says it (up is against gravity); else in image widths.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from mu0.episodes.read import Episode
from mu0.geometry.camera import unproject
from mu0.traceextract.captions.evidence.course import Course
from mu0.traceextract.captions.evidence.hops import Hop, hops
from mu0.traceextract.captions.evidence.skills import HOLDING, RESTING, SkillName
from mu0.traceextract.captions.evidence.upright import viewer_axes

MOVES_M = 0.02
MOVES_WIDTHS = 0.03
MINOR = 0.5  # a direction is named if it has at least this share of the largest one
TURN = 0.0  # cosine below which the second half of an event goes another way
MIN_POINTS = 2
AXES = (("right", "left"), ("down", "up"), ("forward", "backward"))  # +, - of the viewer's axes


@dataclass(frozen=True)
class Motion:
    """The motion of one event.

    Attributes:
        directions: Main directions of the actor, or of the fastest entity, strongest first; empty at rest.
        then: The same for the second half of the event, where it goes another way; else empty.
        distance: How far it went (metres, or image widths in a 2-D episode).
        n_movers: Entities that moved; with a known course 1, the actor.
        is_joint: True if an object moved with the actor, which it had not done before.
        lift: Its rise, positive upwards (metres or image widths).
        skill: What the actor does; empty if no course is known.
        is_seen: Whether an object's points show that the skill is what it is called.
    """

    directions: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    distance: float = 0.0
    n_movers: int = 0
    is_joint: bool = False
    lift: float = 0.0
    skill: SkillName | Literal[""] = ""
    is_seen: bool = False


def measure_course(
    episode: Episode, course: Course, up: Float[np.ndarray, " 3"], start_idx: int, end_idx: int
) -> Motion:
    """Motion between two frames of a known course, both inclusive.

    Args:
        episode: Whose course it is.
        course: What the actor does.
        up: Unit vector against gravity, in the world.
        start_idx: First frame.
        end_idx: Last frame.
    """
    skill = course.skill(start_idx, end_idx)
    told = Motion(skill=skill.name, is_seen=skill.is_seen, n_movers=1)
    half = course.way(start_idx, end_idx) @ _viewer(episode, up, start_idx).T
    if skill.name in RESTING or float(np.linalg.norm(half.sum(0))) <= _least(episode):
        return told
    moved = _motion(half, 1)
    return replace(
        moved, skill=skill.name, is_seen=skill.is_seen, is_joint=skill.is_seen and skill.name in HOLDING
    )


def _viewer(episode: Episode, up: Float[np.ndarray, " 3"], frame: int) -> Float[np.ndarray, "3 3"]:
    """The viewer's axes from those of the world."""
    if not episode.sidecar.is_3d:
        return np.eye(3)
    turn = episode.camera_from_world[frame, :3, :3].astype(np.float64)
    return viewer_axes(turn @ up) @ turn


def _least(episode: Episode) -> float:
    return MOVES_M if episode.sidecar.is_3d else MOVES_WIDTHS


def measure(
    episode: Episode, start_idx: int, end_idx: int, up: Float[np.ndarray, " 3"] | None = None
) -> Motion:
    """Motion between two frames, both inclusive; nothing if no anchor lies between them.

    Args:
        episode: Any.
        start_idx: First frame.
        end_idx: Last frame.
        up: Unit vector against gravity, in the world; the picture's up if there is none.
    """
    parts = hops(episode, start_idx, end_idx)
    halves = _halves(episode, parts)
    if up is not None and parts and episode.sidecar.is_3d:
        turn = episode.camera_from_world[parts[0].anchor, :3, :3].astype(np.float64)
        halves = {entity: half @ viewer_axes(turn @ up).T for entity, half in halves.items()}
    moves = _least(episode)
    movers = [half for half in halves.values() if np.linalg.norm(half.sum(0)) > moves]
    if not movers:
        return Motion()
    fastest = max(movers, key=lambda half: float(np.linalg.norm(half.sum(0))))
    return _motion(fastest, len(movers))


def _halves(episode: Episode, parts: list[Hop]) -> dict[int, Float[np.ndarray, "2 3"]]:
    """How far each entity went in either half of the event, in the first anchor's axes."""
    steps: dict[int, Float[np.ndarray, "s 3"]] = {}
    for number, part in enumerate(parts):
        path = _in_space(part.path, episode, part.anchor)
        turn = episode.camera_from_world[parts[0].anchor, :3, :3].astype(np.float64)
        turn = turn @ episode.camera_from_world[part.anchor, :3, :3].T
        for entity in np.unique(part.entity):
            own = part.entity == entity
            if own.sum() >= MIN_POINTS:
                mean = path[own].mean(0)
                way = steps.setdefault(int(entity), np.zeros((2 * len(parts), 3)))
                shift = np.diff(mean, axis=0)
                way[2 * number : 2 * number + 2] = shift @ turn.T if number else shift
    return {entity: way.reshape(2, -1, 3).sum(1) for entity, way in steps.items()}


def _in_space(
    pixels: Float[np.ndarray, "n 3 3"], episode: Episode, anchor: int
) -> Float[np.ndarray, "n 3 3"]:
    if episode.sidecar.is_3d:
        return unproject(pixels, episode.intrinsics[anchor].astype(np.float64))
    return pixels / np.array([episode.size_px[1], episode.size_px[1], 1.0])


def _motion(fastest: Float[np.ndarray, "2 3"], n_movers: int) -> Motion:
    way = fastest.sum(0)
    other_way = float(fastest[0] @ fastest[1]) < TURN
    return Motion(
        directions=_words(fastest[0] if other_way else way),
        then=_words(fastest[1]) if other_way else (),
        distance=float(np.linalg.norm(way)),
        n_movers=n_movers,
        lift=float(-way[1]),
    )


def _words(way: Float[np.ndarray, " 3"]) -> tuple[str, ...]:
    size = np.abs(way)
    strong = [axis for axis in np.argsort(-size, kind="stable") if size[axis] >= MINOR * size.max() > 0]
    return tuple(AXES[axis][0] if way[axis] > 0 else AXES[axis][1] for axis in strong[:2])
