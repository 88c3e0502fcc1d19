"""What moved during an event, measured on its traces, so that captions claim nothing else.

The first anchor frame of the event shows all its points; each entity's motion is the mean of its points
from there to the event's end, over several anchors where the event is longer than a trace. In 3-D episodes
motion is in metres and in the axes of the first anchor's camera, else in image widths.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mu0.episodes.read import Episode
from mu0.geometry.camera import unproject
from mu0.traceextract.captions.evidence.hops import Hop, hops

MOVES_M = 0.02
MOVES_WIDTHS = 0.03
TOGETHER = 0.35  # two entities move together if their motions differ by less than this share
MINOR = 0.5  # a direction is named if it has at least this share of the largest one
TURN = 0.0  # cosine below which the second half of an event goes another way
MIN_POINTS = 2
AXES = (("right", "left"), ("down", "up"), ("forward", "backward"))  # +x, -x, +y, -y, +z, -z of the camera


@dataclass(frozen=True)
class Motion:
    """The motion of one event.

    Attributes:
        directions: Main directions of the fastest entity, strongest first; empty at rest.
        then: The same for the second half of the event, where it goes another way; else empty.
        distance: How far it went (metres, or image widths in a 2-D episode).
        distance_px: How far it went in the image.
        n_movers: Entities that moved.
        is_joint: True if at least two entities moved together, as a carried object does with the gripper.
        lift: Rise of the fastest entity in the image, positive upwards (metres or image widths).
    """

    directions: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    distance: float = 0.0
    distance_px: float = 0.0
    n_movers: int = 0
    is_joint: bool = False
    lift: float = 0.0


def measure(episode: Episode, start_idx: int, end_idx: int) -> Motion:
    """Motion between two frames, both inclusive; nothing if no anchor lies between them."""
    parts = hops(episode, start_idx, end_idx)
    halves = _halves(episode, parts)
    moves = MOVES_M if episode.sidecar.is_3d else MOVES_WIDTHS
    movers = [half for half in halves.values() if np.linalg.norm(half.sum(0)) > moves]
    if not movers:
        return Motion()
    fastest = max(movers, key=lambda half: float(np.linalg.norm(half.sum(0))))
    distance_px = max(float(_shift_px(part).max()) for part in parts)
    return _motion(fastest, movers, distance_px)


def _shift_px(part: Hop) -> Float[np.ndarray, " n"]:
    return np.linalg.norm(part.path[:, -1, :2] - part.path[:, 0, :2], axis=-1)


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


def _motion(fastest: Float[np.ndarray, "2 3"], movers: list[np.ndarray], distance_px: float) -> Motion:
    shifts = np.stack([half.sum(0) for half in movers])
    way = fastest.sum(0)
    other_way = float(fastest[0] @ fastest[1]) < TURN
    near = np.linalg.norm(shifts - way, axis=-1) < TOGETHER * np.linalg.norm(way)
    return Motion(
        directions=_words(fastest[0] if other_way else way),
        then=_words(fastest[1]) if other_way else (),
        distance=float(np.linalg.norm(way)),
        distance_px=distance_px,
        n_movers=len(movers),
        is_joint=int(near.sum()) > 1,
        lift=float(-way[1]),
    )


def _words(way: Float[np.ndarray, " 3"]) -> tuple[str, ...]:
    size = np.abs(way)
    strong = [axis for axis in np.argsort(-size, kind="stable") if size[axis] >= MINOR * size.max() > 0]
    return tuple(AXES[axis][0] if way[axis] > 0 else AXES[axis][1] for axis in strong[:2])
