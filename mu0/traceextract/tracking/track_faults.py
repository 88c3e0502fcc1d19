"""Two ways in which a track goes wrong without being lost: it jumps to another surface, or it trembles.

    jump     a step unlike the step before, the step after and the steps of the neighbours
    jitter   positions that alternate around their own path by more than the sensor's noise explains

A jump splits a track into pieces. The piece with the query frame is the point that was chosen; other pieces
belong to it only if they continue where it would be. What does not is cut away and counted: a rigid body may
then carry the point, a wrong surface may not. All limits follow from the noise of this clip's depth, which is
measured, not assumed.

Source
    Noise from second differences of neighbouring pixels: own; sqrt(6) is the norm of (1, -2, 1).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

MIN_NOISE_M = 0.0005
NOISE_STEP_PX = 4
SURFACE_M = 0.05  # second differences beyond this are silhouettes
NORMAL = 0.6745  # median absolute deviation of a normal distribution
JUMP_SIGMAS, JUMP_FLOOR_M = 8.0, 0.015
NEIGHBOUR_M, MIN_NEIGHBOURS, MAX_NEIGHBOURS = 0.08, 3, 8
ALONE_FACTOR = 2.0  # stricter proof is asked where there are no neighbours
JITTER_SIGMAS = 5.0
MIN_TRIPLES = 5


@dataclass(frozen=True)
class TrackFaults:
    """`is_sound` is `is_seen` without the pieces that were cut."""

    is_sound: Bool[np.ndarray, "t n"]
    n_jumps: Int[np.ndarray, " n"]
    jitter_m: Float[np.ndarray, " n"]
    is_jittery: Bool[np.ndarray, " n"]

    def report(self, which: Bool[np.ndarray, " n"]) -> dict[str, float]:
        """Counts and shares over some tracks, by name."""
        share = float(self.is_jittery[which].mean()) if which.any() else 0.0
        return {"n_jumps_cut": float(self.n_jumps[which].sum()), "jittery_share": share}


def depth_noise_m(depth_m: Float[np.ndarray, "t h w"]) -> float:
    """Standard deviation of the noise of single depth pixels [m], from second differences along rows."""
    values = []
    for frame in range(0, len(depth_m), max(1, len(depth_m) // 8)):
        rows = np.asarray(depth_m[frame])[::NOISE_STEP_PX].astype(np.float64)
        left, middle, right = rows[:, :-2], rows[:, 1:-1], rows[:, 2:]
        bend = left - 2 * middle + right
        usable = (left > 0) & (middle > 0) & (right > 0) & (np.abs(bend) < SURFACE_M)
        values.append(np.abs(bend[usable]))
    together = np.concatenate(values)
    if len(together) == 0:
        return MIN_NOISE_M
    return max(MIN_NOISE_M, float(np.median(together)) / (NORMAL * np.sqrt(6)))


def find_faults(
    world: Float[np.ndarray, "t n 3"],
    is_seen: Bool[np.ndarray, "t n"],
    query_frame: Int[np.ndarray, " n"],
    noise_m: float,
    pixel_m: float,
) -> TrackFaults:
    """Jumps and jitter of measured tracks.

    Args:
        world: Positions [m]; NaN where not seen.
        is_seen: Where `world` is a measurement.
        query_frame: When each point was chosen.
        noise_m: Of a depth pixel.
        pixel_m: Width of a pixel where things are.
    """
    sigma_m = float(np.hypot(noise_m, pixel_m))
    limit_m = max(JUMP_FLOOR_M, JUMP_SIGMAS * sigma_m)
    is_sound = is_seen.copy()
    n_jumps = np.zeros(world.shape[1], int)
    jumps = _jumps(world, is_seen, limit_m)
    for point in np.flatnonzero(jumps.any(0)):
        n_jumps[point] = jumps[:, point].sum()
        is_sound[:, point] &= _own_pieces(
            world[:, point], is_seen[:, point], jumps[:, point], int(query_frame[point]), limit_m
        )
    jitter_m = jitter(world, is_seen)
    with np.errstate(invalid="ignore"):
        is_jittery = jitter_m > JITTER_SIGMAS * sigma_m
    return TrackFaults(is_sound, n_jumps, jitter_m, is_jittery)


def jitter(world: Float[np.ndarray, "t n 3"], is_seen: Bool[np.ndarray, "t n"]) -> Float[np.ndarray, " n"]:
    """Median distance of each position from the middle of its neighbours in time [m]; NaN if hardly seen."""
    triple = is_seen[:-2] & is_seen[1:-1] & is_seen[2:]
    with np.errstate(invalid="ignore"):
        off = np.linalg.norm(world[1:-1] - 0.5 * (world[:-2] + world[2:]), axis=-1)
    count = triple.sum(0)
    ordered = np.sort(np.where(triple, off, np.inf), 0)
    middle = np.maximum((count - 1) // 2, 0)
    found = np.full(world.shape[1], np.nan)
    if len(ordered):
        enough = count >= MIN_TRIPLES
        found[enough] = ordered[middle[enough], np.flatnonzero(enough)]
    return found


def _jumps(
    world: Float[np.ndarray, "t n 3"], is_seen: Bool[np.ndarray, "t n"], limit_m: float
) -> Bool[np.ndarray, "t n"]:
    """True at (t, n) if the step from t - 1 to t is no motion of this surface."""
    both = is_seen[1:] & is_seen[:-1]
    step = np.where(both[..., None], world[1:] - world[:-1], 0)
    still = np.zeros_like(step[:1])
    before, after = (
        np.linalg.norm(step - other, axis=-1)
        for other in (np.concatenate([still, step[:-1]]), np.concatenate([step[1:], still]))
    )
    bend = np.minimum(before, after)
    jumps = np.zeros(is_seen.shape, bool)
    for frame, point in zip(*np.nonzero(both & (bend > limit_m)), strict=True):
        others = np.flatnonzero(both[frame])
        far = np.linalg.norm(world[frame, others] - world[frame, point], axis=-1)
        near = others[(far < NEIGHBOUR_M) & (others != point)]
        if len(near) >= MIN_NEIGHBOURS:
            nearest = near[np.argsort(far[np.isin(others, near)], kind="stable")[:MAX_NEIGHBOURS]]
            off = np.linalg.norm(step[frame, point] - np.median(step[frame, nearest], 0))
            jumps[frame + 1, point] = off > limit_m
        else:
            jumps[frame + 1, point] = bend[frame, point] > ALONE_FACTOR * limit_m
    return jumps


def _own_pieces(
    world: Float[np.ndarray, "t 3"],
    is_seen: Bool[np.ndarray, " t"],
    jumps: Bool[np.ndarray, " t"],
    query_frame: int,
    limit_m: float,
) -> Bool[np.ndarray, " t"]:
    """Frames of one track that belong to the point that was chosen."""
    piece = np.cumsum(jumps)
    home, last = int(piece[query_frame]), int(piece[-1])
    own = is_seen & (piece == home)
    for number in (*range(home + 1, last + 1), *range(home - 1, -1, -1)):
        there, known = np.flatnonzero(is_seen & (piece == number)), np.flatnonzero(own)
        if len(there) == 0:
            continue
        near, end = (there[0], known[-1]) if number > home else (there[-1], known[0])
        before_end = end - 1 if number > home else end + 1
        speed = world[end] - world[before_end] if before_end in known else np.zeros(3)
        expected = world[end] + speed * abs(near - end)
        own[there] = np.linalg.norm(world[near] - expected) < limit_m
    return own
