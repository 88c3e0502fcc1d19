"""Which tracks move as one rigid body, and how that body moves: greedy RANSAC over whole tracks.

1. Find the moments in which unexplained tracks move most; there, guess motions from triples of neighbours and
   keep the guess that most tracks follow.
2. Grow the body frame by frame in both directions of time: fit its pose to its members (Kabsch, weighted by
   how well each has followed so far), and adopt tracks that have been still relative to it.
3. Members that often disagree are set free again; refit; look for the next body among the tracks left over.

A hand that carries a cup is first one body with it; the cup is set free where the hand lets go, and found
as a body of its own in the next round. Cluster quality decides tracking quality, so this looks at motion,
not at colour.

Conventions
    world_from_body   4 x 4 per frame; the body frame is the world at the body's first frame (`origin_frame`)

Source
    Lesson: reference/perception.md §6.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.geometry.rigid import fit_rigid
from mu0.traceextract.bodies.rigid_motion import consensus, distance, move

WINDOW_FRAMES = 6
N_GUESSES = 400
N_NEIGHBOURS = 12
MIN_OVERLAP_FRAMES = 4
MIN_AGREEMENT = 0.8
MIN_POSE_MEMBERS = 3
MAX_FAILED_WINDOWS = 4
MOVEMENT_CAP_M = 0.05


@dataclass(frozen=True)
class GroupSettings:
    """Limits of rigid groups."""

    inlier_m: float = 0.010
    min_members: int = 5
    max_bodies: int = 8


@dataclass(frozen=True)
class Body:
    """A rigid motion; `is_known` is False in frames in which too few members were seen."""

    world_from_body: Float[np.ndarray, "t 4 4"]
    is_known: Bool[np.ndarray, " t"]


def find_bodies(
    world: Float[np.ndarray, "t n 3"],
    is_seen: Bool[np.ndarray, "t n"],
    is_mover: Bool[np.ndarray, " n"],
    settings: GroupSettings,
    seed: int,
) -> list[Body]:
    """Rigid bodies among moving tracks, liveliest first.

    Args:
        world: Positions [m]; NaN where not seen.
        is_seen: True where `world` is a measurement.
        is_mover: Tracks that leave their place; the others are no one's members.
        settings: Limits.
        seed: Of the triples that are tried.
    """
    rng = np.random.default_rng(seed)
    free = is_mover.copy()
    is_tried = np.zeros(len(world), bool)
    bodies: list[Body] = []
    while len(bodies) < settings.max_bodies and is_tried.sum() < MAX_FAILED_WINDOWS:
        start = _liveliest_window(world, is_seen & free, is_tried)
        if start is None:
            break
        founders = _founders(world, is_seen & free, start, settings, rng)
        if founders is None:
            is_tried[start] = True
            continue
        body, members = _grow(world, is_seen & free, start, founders, settings, rng)
        if members.sum() < settings.min_members:
            is_tried[start] = True
            continue
        bodies.append(body)
        free &= ~members
    return bodies


def _liveliest_window(
    world: Float[np.ndarray, "t n 3"], usable: Bool[np.ndarray, "t n"], is_tried: Bool[np.ndarray, " t"]
) -> int | None:
    """The frame after which free tracks move most within a window."""
    span = min(WINDOW_FRAMES, len(world) - 1)
    both = usable[:-span] & usable[span:]
    moved = np.where(both, np.linalg.norm(world[span:] - world[:-span], axis=-1), 0)
    score = np.minimum(moved, MOVEMENT_CAP_M).sum(1) * ~is_tried[: len(moved)]
    best = int(score.argmax())
    return best if score[best] > 0 else None


def _founders(
    world: Float[np.ndarray, "t n 3"],
    usable: Bool[np.ndarray, "t n"],
    start: int,
    settings: GroupSettings,
    rng: np.random.Generator,
) -> Int[np.ndarray, " m"] | None:
    """Tracks that follow the best motion guessed within the window after `start`."""
    span = min(WINDOW_FRAMES, len(world) - 1)
    frames = [start, start + span // 2, start + span]
    candidates = np.flatnonzero(usable[frames].all(0))
    if len(candidates) < settings.min_members:
        return None
    here = world[start, candidates]
    moved = np.minimum(np.linalg.norm(world[frames[-1], candidates] - here, axis=-1), MOVEMENT_CAP_M) + 1e-6
    first = rng.choice(len(candidates), N_GUESSES, p=moved / moved.sum())
    order = np.linalg.norm(here[first][:, None] - here, axis=-1).argsort(1, kind="stable")
    reach = min(N_NEIGHBOURS, len(candidates) - 1)
    others = 1 + rng.random((N_GUESSES, reach)).argsort(1)[:, :2]
    triples = np.take_along_axis(order, np.concatenate([np.zeros((N_GUESSES, 1), int), others], 1), 1)
    worst = np.zeros((N_GUESSES, len(candidates)))
    for frame in frames[1:]:
        there = world[frame, candidates]
        guesses = fit_rigid(here[triples], there[triples], np.ones(triples.shape))
        worst = np.maximum(worst, distance(move(guesses, here[None]), there[None]))
    follows = worst < settings.inlier_m
    score = (follows * moved).sum(1)
    best = follows[score.argmax()]
    return candidates[best] if best.sum() >= settings.min_members else None


def _grow(
    world: Float[np.ndarray, "t n 3"],
    usable: Bool[np.ndarray, "t n"],
    start: int,
    founders: Int[np.ndarray, " m"],
    settings: GroupSettings,
    rng: np.random.Generator,
) -> tuple[Body, Bool[np.ndarray, " n"]]:
    """Follow the founders through the clip, adopting and expelling tracks on the way."""
    n_frames, n_tracks = usable.shape
    pose = np.tile(np.eye(4), (n_frames, 1, 1))
    is_known = np.zeros(n_frames, bool)
    is_known[start] = True
    in_body = np.full((n_tracks, 3), np.nan)
    in_body[founders] = world[start, founders]
    hits, tries = np.zeros(n_tracks), np.zeros(n_tracks)
    for frames in (range(start + 1, n_frames), range(start - 1, -1, -1)):
        for frame in frames:
            present = np.flatnonzero(usable[frame] & np.isfinite(in_body[:, 0]))
            if len(present) >= MIN_POSE_MEMBERS:
                trust = 0.2 + (hits[present] + 1) / (tries[present] + 1)
                motion, inlier = consensus(
                    in_body[present], world[frame, present], trust, settings.inlier_m, rng
                )
                tries[present] += 1
                hits[present[inlier]] += 1
                if inlier.sum() >= max(MIN_POSE_MEMBERS, 0.3 * len(present)):
                    pose[frame], is_known[frame] = motion, True
            _adopt(world, usable, pose, is_known, frame, in_body, settings.inlier_m)
    return _settle(world, usable, pose, is_known, in_body, settings.inlier_m)


def _adopt(
    world: Float[np.ndarray, "t n 3"],
    usable: Bool[np.ndarray, "t n"],
    pose: Float[np.ndarray, "t 4 4"],
    is_known: Bool[np.ndarray, " t"],
    frame: int,
    in_body: Float[np.ndarray, "n 3"],
    inlier_m: float,
) -> None:
    """Give body coordinates to tracks that have been still relative to the body for some frames."""
    near = np.arange(
        max(0, frame - 2 * MIN_OVERLAP_FRAMES), min(len(world), frame + 2 * MIN_OVERLAP_FRAMES + 1)
    )
    near = near[is_known[near]]
    strangers = np.flatnonzero(usable[frame] & np.isnan(in_body[:, 0]))
    if len(near) < MIN_OVERLAP_FRAMES or len(strangers) == 0:
        return
    seen = usable[np.ix_(near, strangers)]
    relative = move(np.linalg.inv(pose[near]), np.where(seen[..., None], world[np.ix_(near, strangers)], 0))
    count = seen.sum(0)
    mean = (relative * seen[..., None]).sum(0) / np.maximum(count, 1)[:, None]
    spread = np.where(seen, distance(relative, mean[None]), 0).max(0)
    joins = (count >= MIN_OVERLAP_FRAMES) & (spread < inlier_m)
    in_body[strangers[joins]] = mean[joins]


def _settle(
    world: Float[np.ndarray, "t n 3"],
    usable: Bool[np.ndarray, "t n"],
    pose: Float[np.ndarray, "t 4 4"],
    is_known: Bool[np.ndarray, " t"],
    in_body: Float[np.ndarray, "n 3"],
    inlier_m: float,
) -> tuple[Body, Bool[np.ndarray, " n"]]:
    """Expel members that disagree, then refit positions and poses to each other."""
    members = np.isfinite(in_body[:, 0])
    for _ in range(3):
        mean, agreement = agreement_with_body(world, usable, pose, is_known, inlier_m)
        members &= agreement >= MIN_AGREEMENT
        is_known &= usable[:, members].sum(1) >= MIN_POSE_MEMBERS
        present = usable[np.ix_(is_known, members)]
        there = np.where(present[..., None], world[np.ix_(is_known, members)], 0)
        off_m = distance(move(pose[is_known], mean[None, members]), there)
        weight = present / (1 + (off_m / (0.5 * inlier_m)) ** 2)
        here = np.broadcast_to(mean[members], there.shape)
        pose[is_known] = fit_rigid(here, there, weight)
    return Body(pose, is_known), members


def agreement_with_body(
    world: Float[np.ndarray, "t n 3"],
    usable: Bool[np.ndarray, "t n"],
    world_from_body: Float[np.ndarray, "t 4 4"],
    is_known: Bool[np.ndarray, " t"],
    inlier_m: float,
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, " n"]]:
    """Robust mean position of each track in a body's frame, and the share of its frames that are there.

    Tracks that are never seen while the body is known have NaN positions and agreement 0.
    """
    used = usable & is_known[:, None]
    relative = move(np.linalg.inv(world_from_body), np.where(used[..., None], world, np.nan))
    count = used.sum(0)
    ordered = np.sort(relative, 0)  # NaN last
    middle = np.maximum((count - 1) // 2, 0)
    centre = np.take_along_axis(ordered, middle[None, :, None].repeat(3, 2), 0)[0]
    with np.errstate(invalid="ignore"):
        close = used & (distance(relative, centre[None]) < inlier_m)
    n_close = close.sum(0)
    total = np.where(close[..., None], relative, 0).sum(0)
    mean = np.where((n_close > 0)[:, None], total / np.maximum(n_close, 1)[:, None], np.nan)
    return mean, n_close / np.maximum(count, 1)
