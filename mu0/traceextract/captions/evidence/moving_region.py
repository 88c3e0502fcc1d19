"""Where an event happens in its first picture: the points of the entity that moves most, and their mask.

Source
    reference/traceextract.md §4.1: score = mean displacement * sqrt(points); disks of 12 px, dilated by 5
    px, in pictures of 518 px width. Here both scale with the picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from mu0.episodes.read import Episode
from mu0.traceextract.captions.evidence.event_cutting import Chunk
from mu0.traceextract.captions.evidence.hops import hops

MIN_POINTS = 4
DISK_WIDTHS, GROWTH_WIDTHS = 12 / 518, 5 / 518


@dataclass(frozen=True)
class Region:
    """The dominant entity of an event.

    Attributes:
        entity: Its number; None if no entity has enough points.
        points_px: Where the mask is, at the event's first frame: its points, or all points without one.
        n_points: Points of all entities there.
        displacement_px: How far it went; 0 without one.
        note: What is missing, or how this differs from the plain case; empty if nothing.
    """

    entity: int | None
    points_px: Float[np.ndarray, "n 2"]
    n_points: int
    displacement_px: float
    note: str = ""


def find_region(episode: Episode, chunk: Chunk) -> Region:
    """The entity that moves most during an event."""
    parts = hops(episode, chunk.start_idx, chunk.end_idx)
    if not parts:
        return Region(None, np.zeros((0, 2)), 0, 0.0, "no anchor frame lies in this event")
    first = parts[0]
    note = "" if first.anchor == chunk.start_idx else f"points of anchor frame {first.anchor}"
    scores: dict[int, tuple[float, float]] = {}
    for entity in np.unique(first.entity):
        displacement = sum(
            float(np.linalg.norm(part.path[own, -1, :2] - part.path[own, 0, :2], axis=-1).mean())
            for part in parts
            if (own := part.entity == entity).any()
        )
        n_own = int((first.entity == entity).sum())
        if n_own >= MIN_POINTS:
            scores[int(entity)] = (displacement * n_own**0.5, displacement)
    if not scores:
        return Region(None, first.start, len(first.start), 0.0, "no entity has enough points; all are marked")
    dominant = max(scores, key=lambda entity: scores[entity][0])
    points = first.start[first.entity == dominant]
    return Region(dominant, points, len(first.start), scores[dominant][1], note)


def draw_mask(points_px: Float[np.ndarray, "n 2"], height: int, width: int) -> UInt8[np.ndarray, "h w"]:
    """White disks on black; all black without points."""
    mask = np.zeros((height, width), np.uint8)
    radius = max(1, round(DISK_WIDTHS * width))
    for x, y in points_px:
        if -width < x < 2 * width and -height < y < 2 * height:
            cv2.circle(mask, (round(float(x)), round(float(y))), radius, 255, -1)
    growth = 2 * max(1, round(GROWTH_WIDTHS * width)) + 1
    return np.asarray(cv2.dilate(mask, np.ones((growth, growth), np.uint8)))
