"""Who acts, and when something moves with it: contact is a change of relative motion.

The actor is whatever moves most: of the points that go far, those that move alike. A held object is no part
of it: its points rest while the actor moves, then move as the actor does, then rest again. Only points with
such a change tell of contact; a wrist that has always moved with its gripper tells nothing, and so does a
shoulder, which rests and turns but never goes the gripper's way.

Conventions
    step t  the movement from frame t on, over SPAN_S; a velocity is per frame, in the unit of the paths
"""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_opening

from mu0.traceextract.captions.evidence.paths import Paths

SPAN_S = 0.1
DEFAULT_HZ = 10.0
STILL_M_S, STILL_WIDTHS_S = 0.03, 0.03  # an actor that is slower rests
SURE = 1.7  # times that: from here on its movement tells what moves with it and what does not
ALIKE, ALIKE_FLOOR = 0.35, 0.5  # alike points differ by these shares of the actor's and of the resting speed
RESTS = 0.3  # share of the actor's speed below which a point rests beside it
MIN_RESTING, MIN_HELD = 4, 3  # frames
AGREEMENT, DISSENT = 0.6, 0.3  # shares of the actor's time that a point of it moves alike, and rests
FAR_QUANTILE, LEAST_WAY = 0.85, 0.3  # of how far points go: where the search for the actor begins and ends
ENOUGH = 2  # points that make it sure
LET_GO_WITHIN = 6  # frames after a rest of the actor in which what it held may stay behind


@dataclass(frozen=True)
class Contact:
    """The actor's path and what it holds.

    Attributes:
        place: The actor's place in each frame, its start at the origin.
        velocity: Of each step.
        still: Whether the actor rests in it.
        held: 1 where an object moves with the actor, -1 where the known objects rest while it moves, 0 where
            nothing can be told; between where one point alone tells it.
        n_objects: Points that at some time rested and at another moved with the actor.
    """

    place: Float[np.ndarray, "t 3"]
    velocity: Float[np.ndarray, "t 3"]
    still: Bool[np.ndarray, " t"]
    held: Float[np.ndarray, " t"]
    n_objects: int


def find_contact(paths: Paths, fps_hz: float) -> Contact | None:
    """The actor, and when something moves with it; None if nothing moves.

    Args:
        paths: All paths of an episode.
        fps_hz: Their rate; 0 if unknown.
    """
    rate_hz = fps_hz or DEFAULT_HZ
    still = (STILL_M_S if paths.is_3d else STILL_WIDTHS_S) / rate_hz
    velocity = _velocities(paths.position, max(1, round(SPAN_S * rate_hz)))
    members = _members(velocity, still)
    if not members.any():
        return None
    actor = _median(velocity[:, members])
    speed = np.linalg.norm(actor, axis=-1)
    alike, rests = _beside(velocity, actor, still)
    held, n_objects = _held(alike, rests & ~members, speed > SURE * still, speed < still)
    place = np.concatenate([np.zeros((1, 3)), np.cumsum(actor[:-1], axis=0)])
    return Contact(place, actor, speed < still, held, n_objects)


def _velocities(position: Float[np.ndarray, "t n 3"], span: int) -> Float[np.ndarray, "t n 3"]:
    """Per frame and point; the last steps have the velocity before them."""
    n_frames = len(position)
    span = min(span, n_frames - 1)
    if span < 1:
        return np.zeros_like(position)
    steps = (position[span:] - position[:-span]) / span
    return np.concatenate([steps, np.repeat(steps[-1:], n_frames - len(steps), axis=0)])


def _members(velocity: Float[np.ndarray, "t n 3"], still: float) -> Bool[np.ndarray, " n"]:
    """The points that move as the actor does: alike to those that go far, most of the time."""
    speed = np.linalg.norm(velocity, axis=-1)
    known = np.isfinite(speed)
    length = np.where(known, np.minimum(speed, 20 * still), 0.0).sum(0)
    moving = (speed > SURE * still).sum(0)
    if not moving.any():
        return np.zeros(velocity.shape[1], bool)
    members = length >= np.quantile(length[moving > 0], FAR_QUANTILE)
    for _ in range(3):
        actor = _median(velocity[:, members])
        alike, rests = _beside(velocity, actor, still)
        sure = (np.linalg.norm(actor, axis=-1) > SURE * still)[:, None] & known
        n_sure = np.maximum(sure.sum(0), 1)
        agrees = (alike & sure).sum(0) / n_sure >= AGREEMENT
        agrees &= (rests & sure).sum(0) / n_sure <= DISSENT
        again = agrees & (sure.sum(0) >= MIN_HELD) & (length >= LEAST_WAY * length.max())
        if not again.any():
            break
        members = again
    return members


def _median(velocity: Float[np.ndarray, "t n 3"]) -> Float[np.ndarray, "t 3"]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames in which no point is known
        middle = np.nanmedian(velocity, axis=1)
    return np.nan_to_num(middle)


def _beside(
    velocity: Float[np.ndarray, "t n 3"], actor: Float[np.ndarray, "t 3"], still: float
) -> tuple[Bool[np.ndarray, "t n"], Bool[np.ndarray, "t n"]]:
    """Which points move as the actor does, and which rest while it moves."""
    speed = np.linalg.norm(actor, axis=-1)[:, None]
    off = np.linalg.norm(velocity - actor[:, None], axis=-1)
    own = np.linalg.norm(velocity, axis=-1)
    return off < ALIKE * speed + ALIKE_FLOOR * still, own < np.maximum(RESTS * speed, still)


def _held(
    alike: Bool[np.ndarray, "t n"],
    rests: Bool[np.ndarray, "t n"],
    sure: Bool[np.ndarray, " t"],
    still: Bool[np.ndarray, " t"],
) -> tuple[Float[np.ndarray, " t"], int]:
    """What the points say that rest at one time and move with the actor at another."""
    with_it, without = alike & sure[:, None] & ~rests, rests & sure[:, None] & ~alike
    told = binary_opening(with_it | ~sure[:, None], np.ones((MIN_HELD + 1, 1))) & with_it
    says = told.astype(int) - without
    objects = np.flatnonzero(((says < 0).sum(0) >= MIN_RESTING) & ((says > 0).sum(0) >= MIN_HELD))
    votes = np.zeros(len(sure))
    for point in objects:
        votes += _until_lost(says[:, point], still)
    return np.clip(votes / ENOUGH, -1, 1), len(objects)


def _until_lost(says: Int[np.ndarray, " t"], still: Bool[np.ndarray, " t"]) -> Int[np.ndarray, " t"]:
    """Forget a point from where it stays behind in the middle of a movement: it was lost, not put down."""
    before = 0
    for frame in np.flatnonzero(says):
        if before > 0 > says[frame] and still[max(0, frame - LET_GO_WITHIN) : frame].sum() < MIN_HELD:
            return np.where(np.arange(len(says)) < frame, says, 0)
        before = int(says[frame])
    return says
