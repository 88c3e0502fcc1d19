"""What moved during an event, measured on its traces, so that captions claim nothing else.

The first anchor frame of the event shows all its points; each entity's motion is the mean of its points from
there to the event's end. In 3-D episodes motion is in metres in that anchor's camera, else in image widths.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from mu0.episodes.read import Episode
from mu0.geometry.camera import unproject

MOVES_M = 0.02
MOVES_WIDTHS = 0.03
TOGETHER = 0.35  # two entities move together if their motions differ by less than this share
MINOR = 0.5  # a direction is named if it has at least this share of the largest one
TURN = 0.0  # cosine below which the second half of an event goes another way
MIN_POINTS = 2
AXES = (("right", "left"), ("down", "up"), ("forward", "backward"))  # +x, -x, +y, -y, +z, -z of the camera
OPTICAL_AXIS = 2


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
    samples = episode.samples
    if samples is None:
        return Motion()
    slots = np.flatnonzero((samples.frame_indices >= start_idx) & (samples.frame_indices < end_idx))
    if len(slots) == 0:
        return Motion()
    anchor, rows = int(samples.frame_indices[slots[0]]), samples.rows(int(slots[0]))
    n_steps = min(end_idx - anchor, samples.raw_traj.shape[1] - 1)
    pixels = np.asarray(samples.raw_traj[rows, [0, n_steps // 2, n_steps]], np.float64)
    paths = _in_space(pixels, episode, anchor)
    entities = np.asarray(samples.cluster_ids[rows])
    moves = MOVES_M if episode.sidecar.is_3d else MOVES_WIDTHS
    means = [
        paths[entities == entity].mean(0)
        for entity in np.unique(entities)
        if (entities == entity).sum() >= MIN_POINTS
    ]
    movers = [path for path in means if np.linalg.norm(path[-1] - path[0]) > moves]
    if not movers:
        return Motion()
    fastest = max(movers, key=lambda path: float(np.linalg.norm(path[-1] - path[0])))
    return _motion(fastest, movers, pixels)


def _in_space(
    pixels: Float[np.ndarray, "n 3 3"], episode: Episode, anchor: int
) -> Float[np.ndarray, "n 3 3"]:
    if episode.sidecar.is_3d:
        return unproject(pixels, episode.intrinsics[anchor].astype(np.float64))
    return pixels / np.array([episode.size_px[1], episode.size_px[1], 1.0])


def _motion(
    fastest: Float[np.ndarray, "3 3"], movers: list[np.ndarray], pixels: Float[np.ndarray, "n 3 3"]
) -> Motion:
    shifts = np.stack([path[-1] - path[0] for path in movers])
    way = fastest[-1] - fastest[0]
    first_half, second_half = (after - before for before, after in pairwise(fastest))
    other_way = float(first_half @ second_half) < TURN
    near = np.linalg.norm(shifts - way, axis=-1) < TOGETHER * np.linalg.norm(way)
    return Motion(
        directions=_words(first_half if other_way else way),
        then=_words(second_half) if other_way else (),
        distance=float(np.linalg.norm(way)),
        distance_px=float(np.linalg.norm(pixels[:, -1, :2] - pixels[:, 0, :2], axis=-1).max()),
        n_movers=len(movers),
        is_joint=int(near.sum()) > 1,
        lift=float(-way[1]),
    )


def _words(way: Float[np.ndarray, " 3"]) -> tuple[str, ...]:
    size = np.abs(way)
    strong = [axis for axis in np.argsort(-size, kind="stable") if size[axis] >= MINOR * size.max() > 0]
    return tuple(AXES[axis][0] if way[axis] > 0 else AXES[axis][1] for axis in strong[:2])
