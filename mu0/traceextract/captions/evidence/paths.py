"""Where every point of an episode is in every frame, in one frame of reference, put together from its rows.

A row knows its point from `history` frames before its anchor to `future` frames after it. Rows of one track
are joined where the episode says which these are (ours does); else every row of some anchors, far enough
apart, is a path by itself.

Conventions
    unit    metres in the world of a 3-D episode; image widths, z = 0, in a 2-D one, whose camera counts as
            still
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from mu0.episodes.read import Episode
from mu0.geometry.camera import unproject
from mu0.geometry.rigid import apply, invert

FROZEN = 1e-4  # a path that moves less per frame up to its end is only held there: nobody saw it
MIN_FROZEN_FRAMES = 3


@dataclass(frozen=True)
class Paths:
    """Paths of points.

    Attributes:
        position: NaN where a point's place is not known.
        is_3d: Whether they are in metres.
    """

    position: Float[np.ndarray, "t n 3"]
    is_3d: bool


def find_paths(episode: Episode) -> Paths | None:
    """All paths of an episode; None if it has no samples."""
    samples = episode.samples
    if samples is None or samples.n_rows == 0:
        return None
    slots, track = _tracks(episode)
    position = np.full((episode.n_frames, int(track.max()) + 1, 3), np.nan)
    is_new = np.ones(position.shape[1], bool)
    for slot in slots:
        rows, anchor = samples.rows(slot), int(samples.frame_indices[slot])
        own = track[rows]
        ahead = _placed(episode, samples.raw_traj[rows], anchor)[: episode.n_frames - anchor]
        after = position[anchor : anchor + len(ahead), own]
        position[anchor : anchor + len(ahead), own] = np.where(np.isfinite(ahead), ahead, after)
        new = is_new[own]  # a row's past is asked only where no earlier row has told it
        past = _placed(episode, samples.raw_traj_history[rows][new], anchor)[: anchor + 1]
        position[anchor + 1 - len(past) : anchor, own[new]] = past[:0:-1]
        is_new[own] = False
    return Paths(_without_held_ends(position), episode.sidecar.is_3d)


def _tracks(episode: Episode) -> tuple[list[int], Int[np.ndarray, " n"]]:
    """The slots to read, and the path to which each row belongs."""
    samples, retiming = episode.samples, episode.sidecar.retiming
    assert samples is not None
    if retiming is not None:
        return list(range(samples.n_slots)), np.unique(retiming.track_ids, return_inverse=True)[1]
    apart = max(1, samples.raw_traj.shape[1] // 2)
    slots: list[int] = []
    for slot, frame in enumerate(samples.frame_indices):
        if not slots or frame - samples.frame_indices[slots[-1]] >= apart:
            slots.append(slot)
    path = np.zeros(samples.n_rows, int)
    count = 0
    for slot in slots:
        rows = samples.rows(slot)
        path[rows] = np.arange(count, count + rows.stop - rows.start)
        count += rows.stop - rows.start
    return slots, path


def _placed(episode: Episode, traces: Float[np.ndarray, "n l 3"], anchor: int) -> Float[np.ndarray, "l n 3"]:
    """Traces in the anchor's camera -> places, step by step."""
    steps = np.asarray(traces, np.float64)
    steps = np.where(np.isfinite(steps).all(-1, keepdims=True), steps, np.nan).swapaxes(0, 1)
    if not episode.sidecar.is_3d:
        width = episode.size_px[1]
        return steps / np.array([width, width, 1.0]) * np.array([1.0, 1.0, 0.0])
    in_camera = unproject(steps.reshape(-1, 3), episode.intrinsics[anchor].astype(np.float64))
    world_from_camera = invert(episode.camera_from_world[anchor].astype(np.float64))
    return apply(world_from_camera, in_camera).reshape(steps.shape)


def _without_held_ends(position: Float[np.ndarray, "t n 3"]) -> Float[np.ndarray, "t n 3"]:
    """Forget the end of a path where its last place is only repeated."""
    position = position.copy()
    for path in position.swapaxes(0, 1):
        known = np.flatnonzero(np.isfinite(path[:, 0]))
        if len(known) < 2:
            continue
        moved = np.linalg.norm(np.diff(path[known], axis=0), axis=-1) > FROZEN
        last = int(np.flatnonzero(moved)[-1]) + 1 if moved.any() else 0
        if len(known) - 1 - last >= MIN_FROZEN_FRAMES:
            path[known[last + 1] :] = np.nan
    return position
