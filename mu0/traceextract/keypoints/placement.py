"""Where to look: for each entity a budget of well spread, trackable points.

    patch descriptors of sampled frames --k-means or bipartite matching--> entities
    query frames, evenly over time; in each: most points on what moves, the rest on everything
    within an entity: corners first, no two closer than the budget needs

Shares of the budget go to the entities of each frame ("per_frame"), or to entities over all frames at once
("per_entity", "peak_frame": `budget`); then points are spread by k-means on coordinates.

Small things get more than their area's share, for they are what is carried. Points on moving things get
most of the budget because the episode keeps only their traces; points on still things are needed for
coverage and as a check (they must not move).

Sources
    Entities and budgets: reference/traceextract.md §2.7 and §2.8.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.traceextract.backends.interfaces import Footage, Keypoints, PatchFeatures, Reconstruction
from mu0.traceextract.keypoints.budget import Allocation, allocate
from mu0.traceextract.keypoints.entities import Clustering, entities_of_patches
from mu0.traceextract.keypoints.spread import spread_points
from mu0.traceextract.tracking.own_motion import flow_motion, without_halo
from mu0.traceextract.tracking.silhouettes import on_own_side
from mu0.traceextract.tracking.witnesses import call_witnesses, moved_mask

EDGE_M = 0.03  # a depth step this large within one pixel is a silhouette
MIN_SPACING_SHARE = 0.7
RIM = np.ones((5, 5), np.uint8)
CORNER_QUALITY = 1e-4
CELLS = 8  # rows and columns over which new points are spread where some are covered
CORNER_REACH_PX = 4  # farther pixels do not matter to a corner


@dataclass(frozen=True)
class KeypointBudget:
    """How many points, and on what; what counts as an entity, and how entities share the points."""

    n_keypoints: int
    n_entities: int
    moving_share: float
    clustering: Clustering = "kmeans"
    allocation: Allocation = "per_frame"


@dataclass(frozen=True)
class Region:
    """The part of a frame that may get points: what moves there, or what does not."""

    frame: int
    on_moving: bool
    mask: Bool[np.ndarray, "h w"]
    entity: UInt8[np.ndarray, "h w"]
    count: int


@dataclass(frozen=True)
class Covered:
    """Patches of every sampled frame where points are followed already, so that no new ones are needed.

    Attributes:
        by_any: Some point is there or next to it; nothing still needs another one.
        by_movers: A point that has moved is there; nothing that moves needs another one.
    """

    by_any: Bool[np.ndarray, "s rows columns"]
    by_movers: Bool[np.ndarray, "s rows columns"]


def query_frames(n_frames: int, fps_hz: float, every_s: float) -> Int[np.ndarray, " q"]:
    """Evenly spaced frames, at most `every_s` apart; one step before the end is late enough."""
    n_queries = max(1, int(np.ceil((n_frames - 1) / max(1.0, every_s * fps_hz))))
    return np.unique(np.linspace(0, n_frames - 1, n_queries + 1).round().astype(int)[:-1])


def choose_keypoints(
    footage: Footage,
    reconstruction: Reconstruction,
    features: PatchFeatures,
    budget: KeypointBudget,
    seed: int,
    covered: Covered | None = None,
) -> Keypoints:
    """Keypoints at every sampled frame: most on moving pixels, the rest over all entities.

    Where `covered` says that points are followed already none is added, and the budget shrinks by that share.
    """
    regions: Iterable[Region] = _regions(footage, reconstruction, features, budget, seed, covered)
    plan = None
    if budget.allocation != "per_frame":  # which must see all frames before it can share
        regions = list(regions)
        plan = _plan(regions, budget.allocation)
    chosen = Keypoints(np.zeros(0, int), np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, bool))
    for number, region in enumerate(regions):
        grey = footage.grey[region.frame]
        if plan is None:
            found = _spread_points(grey, region.mask, region.entity, region.count)
        else:
            found = _planned_points(grey, region, plan[number], seed)
        owner = region.entity[found[:, 1].astype(int), found[:, 0].astype(int)].astype(int)
        at, on_mover = np.full(len(found), region.frame), np.full(len(found), region.on_moving)
        chosen = chosen.joined(Keypoints(at, found, owner, on_mover))
    return chosen


def _regions(
    footage: Footage,
    reconstruction: Reconstruction,
    features: PatchFeatures,
    budget: KeypointBudget,
    seed: int,
    covered: Covered | None,
) -> Iterator[Region]:
    """Of every sampled frame what moves, then what does not."""
    entities = entities_of_patches(features, budget.n_entities, seed, budget.clustering)
    per_frame = max(8, round(budget.n_keypoints / len(features.sampled_frames)))
    width, height = footage.image_size_px
    witnesses = call_witnesses(reconstruction)
    for index, frame in enumerate(features.sampled_frames):
        entity = cv2.resize(
            entities[index].astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST
        )
        usable = _usable(reconstruction, int(frame), height, width)
        moves = moved_mask(reconstruction, int(frame), features.moves[index], witnesses)
        moves = on_own_side(moves, reconstruction, int(frame), witnesses) & usable
        inner = moves if reconstruction.is_3d else without_halo(moves)
        n_moving = round(per_frame * budget.moving_share) if moves.any() else 0
        for on_moving, mask, count in (
            (True, inner, n_moving),
            (False, usable & ~moves, per_frame - n_moving),
        ):
            if covered is not None:
                patches = (covered.by_movers if on_moving else covered.by_any)[index]
                mask, count = _uncovered(mask, count, patches)
            yield Region(int(frame), on_moving, mask, entity, count)


def _plan(
    regions: list[Region], allocation: Literal["per_entity", "peak_frame"]
) -> Int[np.ndarray, "regions entities"]:
    """Points of each entity in each region; what moves and what does not have budgets of their own."""
    n_entities = 1 + max(int(region.entity.max()) for region in regions)
    areas = np.stack([np.bincount(region.entity[region.mask], minlength=n_entities) for region in regions])
    plan = np.zeros_like(areas)
    for on_moving in (True, False):
        mine = np.array([region.on_moving == on_moving for region in regions])
        total = sum(region.count for region in regions if region.on_moving == on_moving)
        plan[mine] = allocate(areas[mine].T, total, allocation).T
    return plan


def _planned_points(
    grey: UInt8[np.ndarray, "h w"], region: Region, counts: Int[np.ndarray, " entities"], seed: int
) -> Float[np.ndarray, "n 2"]:
    found = [np.zeros((0, 2))]
    for entity in np.flatnonzero(counts):
        here = region.mask & (region.entity == entity)
        found.append(spread_points(grey, _without_rim(here), int(counts[entity]), seed))
    return np.concatenate(found)


def _without_rim(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The inside of a region, where it has one: motion and entities reach some pixels over a thing's edge."""
    inside = cv2.erode(mask.astype(np.uint8), RIM).astype(bool)
    return inside if inside.any() else mask


def _uncovered(
    mask: Bool[np.ndarray, "h w"], count: int, patches: Bool[np.ndarray, "rows columns"]
) -> tuple[Bool[np.ndarray, "h w"], int]:
    """The rest of `mask` and of the budget; what is left of a mask gets at least one point."""
    height, width = mask.shape
    is_covered = cv2.resize(patches.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    rest = mask & ~is_covered.astype(bool)
    if count == 0 or not rest.any():
        return rest, 0
    return rest, max(1, round(count * float(rest.sum() / mask.sum())))


def choose_helpers(
    footage: Footage,
    reconstruction: Reconstruction,
    frames: Int[np.ndarray, " s"],
    n_helpers: int,
    covered: Bool[np.ndarray, "s rows columns"] | None = None,
) -> Keypoints:
    """Points on moving pixels of `frames`, all of entity 0, a share per frame.

    If some patches are `covered`, these get none, and the others are shared out evenly.
    """
    per_frame = max(8, round(n_helpers / len(frames)))
    width, height = footage.image_size_px
    one_entity = np.zeros((height, width), np.uint8)
    witnesses = call_witnesses(reconstruction)
    found = []
    for index, frame in enumerate(frames):
        _, flow_moves = flow_motion(footage, reconstruction, int(frame))
        moves = moved_mask(reconstruction, int(frame), flow_moves, witnesses)
        moves = on_own_side(moves, reconstruction, int(frame), witnesses)
        moves &= _usable(reconstruction, int(frame), height, width)
        moves = moves if reconstruction.is_3d else without_halo(moves)
        n_new, cells = per_frame, one_entity
        if covered is not None:
            moves, n_new = _uncovered(moves, per_frame, covered[index])
            cells = np.add.outer(
                CELLS * np.arange(height) // height * CELLS, CELLS * np.arange(width) // width
            )
        found.append(_spread_points(footage.grey[frame], moves, cells.astype(np.uint8), n_new))
    count = [len(points) for points in found]
    total = sum(count)
    return Keypoints(
        np.repeat(frames, count), np.concatenate(found), np.zeros(total, int), np.ones(total, bool)
    )


def _usable(reconstruction: Reconstruction, frame: int, height: int, width: int) -> Bool[np.ndarray, "h w"]:
    """Pixels with depth, away from silhouettes and from the border."""
    usable = np.zeros((height, width), bool)
    usable[2:-2, 2:-2] = True
    if reconstruction.depth_m is None:
        return usable
    depth = reconstruction.depth_m[frame].astype(np.float32)
    square = np.ones((3, 3), np.uint8)
    step = cv2.dilate(depth, square) - cv2.erode(depth, square)
    return usable & (depth > 0) & (step < EDGE_M)


def _spread_points(
    grey: UInt8[np.ndarray, "h w"],
    mask: Bool[np.ndarray, "h w"],
    entity: UInt8[np.ndarray, "h w"],
    count: int,
) -> Float[np.ndarray, "n 2"]:
    """At most `count` points of `mask`, each entity in proportion to the root of its area, corners first."""
    area = np.bincount(entity[mask], minlength=int(entity.max()) + 1)
    if count == 0 or area.sum() == 0:
        return np.zeros((0, 2))
    wish = count * np.sqrt(area) / np.sqrt(area).sum()
    share = np.floor(wish).astype(int)
    for lucky in np.argsort(share - wish, kind="stable")[: count - share.sum()]:
        share[lucky] += 1
    found = []
    for label in np.flatnonzero(share):
        here = (mask & (entity == label)).astype(np.uint8)
        spacing = max(1.0, MIN_SPACING_SHARE * float(np.sqrt(area[label] / share[label])))
        x, y, width, height = cv2.boundingRect(here)
        x, y = max(0, x - CORNER_REACH_PX), max(0, y - CORNER_REACH_PX)
        box = np.s_[y : y + height + 2 * CORNER_REACH_PX, x : x + width + 2 * CORNER_REACH_PX]
        corners = cv2.goodFeaturesToTrack(
            grey[box], int(share[label]), CORNER_QUALITY, spacing, mask=here[box], blockSize=3
        )
        if corners is not None:
            found.append(corners.reshape(-1, 2) + np.array([x, y], float))
    return np.concatenate(found) if found else np.zeros((0, 2))
