"""The traces of an event, however long it is: one anchor's traces, then the next one's where they end.

A stored trace reaches `future_len` frames and no further. An event that is longer is followed in hops: from
its first anchor as far as traces reach, from the last anchor there on, and so on to its end. Entities keep
their number over an episode of ours; official files start again at 0 in every tracking chunk, so there an
equal number far away in the picture is taken for another entity.

Source
    reference/traceextract.md §4.1; its faults 11 and 41 are why rows that are not finite are left out, why
    long events are not judged by their first 127 frames, and why numbers are split.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from mu0.episodes.arrays import Samples
from mu0.episodes.read import Episode

ONE_THING_WIDTHS = 0.15  # points of one entity are at most so far from the next one


@dataclass(frozen=True)
class Hop:
    """Traces of one anchor over a part of an event.

    Attributes:
        anchor: Frame whose camera all positions are in.
        n_steps: Frames from the anchor to the end of this part.
        entity: Entity of each trace.
        start: Position at the event's first frame, where the trace's past is known, else at the anchor.
        path: Positions at the anchor, half way and at the end: x px, y px, z m.
    """

    anchor: int
    n_steps: int
    entity: Int[np.ndarray, " n"]
    start: Float[np.ndarray, "n 2"]
    path: Float[np.ndarray, "n 3 3"]


def hops(episode: Episode, start_idx: int, end_idx: int) -> list[Hop]:
    """Follow an event from its first anchor to its last frame (inclusive); empty if no anchor lies in it."""
    samples = episode.samples
    if samples is None:
        return []
    anchors = samples.frame_indices
    reach = samples.raw_traj.shape[1] - 1
    found: list[Hop] = []
    candidates = np.flatnonzero((anchors >= start_idx) & (anchors < end_idx))
    slot = int(candidates[0]) if len(candidates) else None
    while slot is not None:
        anchor = int(anchors[slot])
        n_steps = min(end_idx - anchor, reach)
        found.append(_hop(episode, samples, slot, n_steps, start_idx))
        further = candidates[(anchors[candidates] > anchor) & (anchors[candidates] <= anchor + n_steps)]
        slot = int(further[-1]) if anchor + n_steps < end_idx and len(further) else None
    return found


def _hop(episode: Episode, samples: Samples, slot: int, n_steps: int, start_idx: int) -> Hop:
    rows, anchor = samples.rows(slot), int(samples.frame_indices[slot])
    path = np.asarray(samples.raw_traj[rows, [0, n_steps // 2, n_steps]], np.float64)
    back = min(anchor - start_idx, samples.raw_traj_history.shape[1] - 1)
    start = np.asarray(samples.raw_traj_history[rows, back, :2], np.float64)
    start = np.where(np.isfinite(start), start, path[:, 0, :2])
    known = np.isfinite(path).all((1, 2))
    entity = np.asarray(samples.cluster_ids[rows])[known]
    if not episode.sidecar.backends:
        entity = _split_far(entity, path[known, 0, :2], ONE_THING_WIDTHS * episode.size_px[1])
    return Hop(anchor, n_steps, entity, start[known], path[known])


def _split_far(
    entity: Int[np.ndarray, " n"], pixel: Float[np.ndarray, "n 2"], far_px: float
) -> Int[np.ndarray, " n"]:
    """Give an entity's parts that lie apart their own numbers; the largest part keeps it."""
    entity = entity.copy()
    fresh = int(entity.max(initial=-1)) + 1
    for number in np.unique(entity):
        own = np.flatnonzero(entity == number)
        n_parts, part = connected_components(cdist(pixel[own], pixel[own]) <= far_px, directed=False)
        by_size = np.argsort(-np.bincount(part, minlength=n_parts), kind="stable")
        for smaller in by_size[1:]:
            entity[own[part == smaller]] = fresh
            fresh += 1
    return entity
