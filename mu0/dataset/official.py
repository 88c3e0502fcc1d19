"""The official sampling: which frames are asked about, in which order, with which keypoints and texts.

One `random.Random(seed)` serves a whole dataset, so every draw depends on those before it and the order of
frames is part of the protocol. The headline evaluation takes the 5th, 9th and 13th usable frame of every
episode and shuffles twice: each of the three lists by itself, then their union, each time with a fresh
generator.

Conventions
    usable     a frame with at least `fewest` rows that move
    keypoints  in the order in which they were drawn, not sorted

Source
    reference/mu0.md §1.3, §1.4, §1.7 and §6.
"""

import random
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from mu0.dataset.captions import CaptionPool
from mu0.episodes.arrays import Samples

OFFSETS = (4, 8, 12)


def usable_slots(samples: Samples, fewest: int) -> Int[np.ndarray, " s"]:
    """The slots with at least `fewest` moving rows, by frame."""
    before = np.concatenate([[0], np.cumsum(np.asarray(samples.is_moving))])
    n_moving = before[samples.offsets[1:]] - before[samples.offsets[:-1]]
    usable = np.flatnonzero(n_moving >= fewest)
    return usable[np.argsort(np.asarray(samples.frame_indices)[usable], kind="stable")]


def headline_order(
    usable: Sequence[Int[np.ndarray, " _s"]], seed: int, offsets: Sequence[int] = OFFSETS
) -> list[tuple[int, int]]:
    """(episode, slot) in the order of the headline evaluation; `usable` holds each episode's usable slots."""
    union: dict[tuple[int, int], None] = {}
    for offset in offsets:
        places = [
            (episode, int(slots[offset])) for episode, slots in enumerate(usable) if offset < len(slots)
        ]
        random.Random(seed).shuffle(places)
        union |= dict.fromkeys(places)
    order = list(union)
    random.Random(seed).shuffle(order)
    return order


class OfficialDraw:
    """The dataset's one stream of random numbers; call it in the order of the samples."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def rows(
        self, samples: Samples, slot: int, size_px: tuple[int, int], fewest: int, most: int
    ) -> Int[np.ndarray, " q"]:
        """Between `fewest` and `most` keypoints of a slot.

        Rows whose anchor is invalid or outside the image (`size_px` is height, width) are left out, unless
        that leaves none: then, as officially, all moving rows count.
        """
        first, last = (int(border) for border in samples.offsets[slot : slot + 2])
        moving = first + np.flatnonzero(samples.is_moving[first:last])
        anchor = np.asarray(samples.traj_history[moving, 0], np.float32)
        uv = 2 * anchor[:, :2] / np.array(size_px[::-1], np.float32) - 1
        inside = np.asarray(samples.valid_steps_history[moving, 0]) & np.isfinite(anchor).all(-1)
        inside &= (np.abs(uv) <= 1).all(-1)
        pool = moving[inside] if inside.any() else moving
        n_drawn = self._random.randint(min(fewest, len(pool)), min(most, len(pool)))
        return pool[self._random.sample(range(len(pool)), n_drawn)]

    def caption(self, pool: CaptionPool, frame: int) -> str:
        """A paraphrase of an entry that covers the frame; empty, and nothing drawn, when there is none."""
        covering = pool.covering(frame)
        return self._random.choice(self._random.choice(covering).paraphrases) if covering else ""
