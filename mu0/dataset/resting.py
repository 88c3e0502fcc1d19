"""Points that rest: where an anchor frame has some, and which of them a batch asks about.

Official rows move, all of them, so a model that sees nothing else believes that everything does. Resting
rows (`mu0.episodes.resting`) are the other half: the future and the past of such a point is its place.

A stated share of all queries rests, and the mixture differs from image to image: some images have resting
queries, any number from none to all; the others are asked as officially. So a model meets questions about
moving points alone, about resting ones alone, and about the grids of `mu0 predict` and of action experts, of
which most rests.

Mixed questions are up to half as long again as official ones. Where resting points only took the places of
moving ones, a model saw fewer of these, and its futures were less diverse (docs/experiments.md).

Conventions
    place   u, v in pixels and z in metres in the anchor's camera, as the other traces are stored
    valid   a resting point is known for as many steps as any moving row of its frame
    moves   the point leaves a disk of radius `LEAVES_UV` around its anchor within the known future
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float16, Float32, Int64

from mu0.episodes.read import Episode
from mu0.episodes.resting import FIRST_THING

LEAVES_UV = 0.02  # 1 % of the image's width
NO_CLUSTER = -1
THING_WEIGHT = 4.0


@dataclass(frozen=True)
class RestingPoints:
    """Packed by anchor frame: slot s owns the rows `first_row[s]:first_row[s + 1]` of `places`."""

    future_valid: Bool[np.ndarray, "slot future"]  # entry 0 is the anchor
    history_valid: Bool[np.ndarray, "slot past"]
    first_row: Int64[np.ndarray, " slot+1"]
    places: Float16[np.ndarray, "n 3"]
    weight: Float32[np.ndarray, " n"]  # how likely a point is drawn, among those of its frame


@dataclass(frozen=True)
class FrameAtRest:
    """What one anchor frame has of resting points."""

    places: Float[np.ndarray, "n 3"]
    entity: Int64[np.ndarray, " n"]
    future_valid: Bool[np.ndarray, " future"]
    history_valid: Bool[np.ndarray, " past"]


def places_at_rest(episode: Episode, frame: int) -> tuple[Float[np.ndarray, "n 3"], Int64[np.ndarray, " n"]]:
    """Resting points of the anchor `frame` inside its image, in their stored order, and their entities.

    z is 0 without depth.
    """
    rows = episode.resting
    if rows is None:
        return np.zeros((0, 3), np.float32), np.zeros(0, np.int64)
    places = np.array(rows.places[rows.rows(frame)], np.float32)
    entity = np.array(rows.cluster_ids[rows.rows(frame)], np.int64)
    if not episode.sidecar.is_3d:
        places[:, 2] = 0
    height, width = episode.size_px
    with np.errstate(invalid="ignore"):
        inside = ((places[:, :2] >= 0) & (places[:, :2] <= (width, height))).all(-1)
    inside &= np.isfinite(places).all(-1)
    return places[inside], entity[inside]


def packed(frames: Sequence[FrameAtRest]) -> RestingPoints:
    """One record of all anchor frames, in order; places in half precision, as moving rows are stored."""
    counts = [len(frame.places) for frame in frames]
    return RestingPoints(
        first_row=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        places=np.concatenate([frame.places for frame in frames]).astype(np.float16),
        weight=np.concatenate([_weights(frame.entity) for frame in frames]),
        future_valid=np.stack([frame.future_valid for frame in frames]),
        history_valid=np.stack([frame.history_valid for frame in frames]),
    )


def _weights(entity: Int64[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """Entities count alike, however many points they have; things more, for there are few of them."""
    _, which, counts = np.unique(entity, return_inverse=True, return_counts=True)
    weight = np.where(entity >= FIRST_THING, THING_WEIGHT, 1.0)
    return (weight / counts[which]).astype(np.float32)


def with_room_for_rest(
    rows: Int64[np.ndarray, "b q"], is_query: Bool[np.ndarray, "b q"]
) -> tuple[Int64[np.ndarray, "b r"], Bool[np.ndarray, "b r"]]:
    """Rows and queries with half as many columns more, as padding."""
    n_more = rows.shape[1] // 2
    return np.pad(rows, ((0, 0), (0, n_more)), mode="edge"), np.pad(is_query, ((0, 0), (0, n_more)))


def draw_resting(
    points: RestingPoints,
    slots: Int64[np.ndarray, " b"],
    is_query: Bool[np.ndarray, "b q"],
    share: float,
    rng: np.random.Generator,
    *,
    fills: bool,
) -> tuple[Bool[np.ndarray, "b q"], Int64[np.ndarray, "b q"]]:
    """Which queries rest, and the row of each.

    Args:
        points: Of all anchor frames.
        slots: Of the batch.
        is_query: True where the official draw has a moving keypoint; these come first.
        share: Of resting queries among all, on average over many images, where frames have enough of them
            and queries have room (`with_room_for_rest`).
        rng: Of the batch.
        fills: Whether padding, of which there is room for half as many again, may become queries; else
            resting points only take the places of moving ones.
    """
    n_images, n_queries = is_query.shape
    is_mixed = rng.random(n_images) < _mixed_images(share, has_room=fills)
    part = rng.random(n_images) * is_mixed
    start, n_rows = points.first_row[slots], np.diff(points.first_row)[slots]
    end = np.full(n_images, n_queries) if fills else is_query.sum(1)
    wanted = np.minimum(np.round(part * end).astype(int), n_rows)
    n_columns = max(int(n_rows.max(initial=0)), n_queries)
    keys = rng.random((n_images, n_columns))
    keys = -np.log1p(-keys) / _column_weights(points, start, n_columns)
    keys[np.arange(n_columns) >= n_rows[:, None]] = np.inf
    order = np.argsort(keys, axis=1)[:, :n_queries]
    place = np.arange(n_queries) - (end - wanted)[:, None]
    rests = (place >= 0) & (place < wanted[:, None])
    picks = np.take_along_axis(order, np.clip(place, 0, n_queries - 1), axis=1)
    return rests, np.where(rests, start[:, None] + picks, 0)


def _column_weights(
    points: RestingPoints, start: Int64[np.ndarray, " b"], n_columns: int
) -> Float32[np.ndarray, "b columns"]:
    """Weights of the rows from `start` on; whatever beyond a frame's own."""
    rows = start[:, None] + np.arange(n_columns)
    return np.append(points.weight, np.float32(1))[np.minimum(rows, len(points.weight))]


def _mixed_images(share: float, *, has_room: bool) -> float:
    """Share of the images with resting queries.

    With n moving queries and room for n / 2 more, a uniform number of resting ones up to 3 n / 2 is .75 n on
    average, among 17 n / 12; an official image has n.
    """
    return share / (0.75 - share * 5 / 12) if has_room else 2 * share


def leaves(
    future_uv: Float[np.ndarray, "*batch step 2"], valid: Bool[np.ndarray, "*batch step"]
) -> Bool[np.ndarray, "*batch"]:
    """Whether a point leaves its place within its known future; `future_uv` is relative to the anchor."""
    travelled = np.linalg.norm(future_uv, axis=-1)
    return np.where(valid, travelled, 0.0).max(axis=-1, initial=0.0) > LEAVES_UV
