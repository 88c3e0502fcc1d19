"""Contacts: where the tips of a hand and the points of something else move together.

In a frame a tip touches a point if it is near and both go the same way over the frames around it, and go far
enough to tell. An entity is touched in a frame if two of its points are, or all that are near if fewer are
seen. What rests under a resting hand is therefore no contact, and neither is what a hand only passes.
Touches with short pauses between them are one contact; what lasts for a moment only is none.

Without depth a hand that passes in front of what happens to move alike cannot be told from one that holds it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.episodes.hand_skeletons import TIPS, Contact


@dataclass(frozen=True)
class ContactSettings:
    """Lengths as shares of the hand's scale (`regions.scale_px`), about 10 cm."""

    near: float = 0.4
    span: int = 2  # frames before and after over which ways are compared
    way: float = 0.08  # shorter ways tell nothing
    alike: float = 0.35  # of the longer way
    min_points: int = 2
    pause: int = 3  # frames
    min_frames: int = 3


Touch = tuple[int, int, int, int]  # hand, entity, frame, joint


def touches(
    hand: int,
    joints: Float[np.ndarray, "t 21 d"],
    points: Float[np.ndarray, "t n d"],
    is_seen: Bool[np.ndarray, "t n"],
    entity: Int[np.ndarray, " n"],
    scale: Float[np.ndarray, " t"],
    settings: ContactSettings,
) -> list[Touch]:
    """All touches of one hand.

    Args:
        hand: Its number.
        joints: Where they are, in pixels or metres; NaN where the hand is not seen.
        points: Of other things, likewise.
        is_seen: Where they are known.
        entity: Of each.
        scale: What `near` and `way` are shares of, in the same unit, in every frame.
        settings: Limits.
    """
    found: list[Touch] = []
    for frame in range(len(joints)):
        before, after = max(0, frame - settings.span), min(len(joints) - 1, frame + settings.span)
        there = np.flatnonzero(is_seen[[before, frame, after]].all(0))
        tips = np.array([tip for tip in TIPS if np.isfinite(joints[[before, frame, after], tip]).all()], int)
        if not len(there) or not len(tips):
            continue
        way_tip = joints[after, tips] - joints[before, tips]
        way = points[after, there] - points[before, there]
        apart = np.linalg.norm(joints[frame, tips][:, None] - points[frame, there], axis=-1)
        length = np.maximum(np.linalg.norm(way_tip, axis=-1)[:, None], np.linalg.norm(way, axis=-1))
        differ = np.linalg.norm(way_tip[:, None] - way, axis=-1)
        near = apart < settings.near * scale[frame]
        together = near & (length > settings.way * scale[frame]) & (differ < settings.alike * length)
        for one in np.unique(entity[there[together.any(0)]]).tolist():
            mine = entity[there] == one
            needed = min(settings.min_points, int(near[:, mine].any(0).sum()))
            if together[:, mine].any(0).sum() >= needed:
                touching = tips[together[:, mine].any(1)]
                found += [(hand, one, frame, int(tip)) for tip in touching]
    return found


def contacts_of(found: list[Touch], settings: ContactSettings) -> tuple[Contact, ...]:
    """Touches as contacts, by hand, then entity, then time."""
    contacts: list[Contact] = []
    for hand, entity in sorted({(touch[0], touch[1]) for touch in found}):
        mine = [touch for touch in found if touch[:2] == (hand, entity)]
        frames = np.unique([frame for _, _, frame, _ in mine])
        for run in np.split(frames, np.flatnonzero(np.diff(frames) > settings.pause + 1) + 1):
            if len(run) < settings.min_frames:
                continue
            within = {joint for _, _, frame, joint in mine if run[0] <= frame <= run[-1]}
            contacts.append(Contact(hand, entity, int(run[0]), int(run[-1]) + 1, tuple(sorted(within))))
    return tuple(contacts)
