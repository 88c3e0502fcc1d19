"""Moments before the thing is touched: only the picture and the sentence say what will move.

Late in an episode the hand is at the thing, and whoever sees that need not read the sentence. Such moments
are most of a clip; the others are found without a label: some points rest through the first future steps and
move later. Of an episode those anchors count for which it takes longest until they do, before the hand gives
away where it goes.

A sentence of another moment names another thing if other words tell it from the rest: words that all captions
of its episode use, and less than half of the episodes. (Where only the verb differs that is wrong; things of
equal names are few.)

Conventions
    onset   first future step at which a point has left its place
    late    onset of `FIRST_STEPS` or more, and then far: links of an arm move little by little, and not far
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from mu0.dataset.captions import CaptionPool
from mu0.dataset.resting import RestingPoints
from mu0.dataset.rows import Windows

FIRST_STEPS = 4
RESTS_UV = 0.005  # a point that has got so far has left its place
GOES_UV = 0.3  # a late point gets at least so far
FEWEST_POINTS = 2
LONGEST_SHARE = 0.5  # of the longest onset of an episode
TRIES = 8


@dataclass(frozen=True)
class Untouched:
    """Anchors before something is touched.

    Attributes:
        slots: Their numbers.
        is_late: Of all rows, whether a point moves late.
        words: Of each anchor in `slots`, the words that tell its sentences from those of others.
    """

    slots: Int64[np.ndarray, " k"]
    is_late: Bool[np.ndarray, " n"]
    words: list[frozenset[str]]

    def another(self, index: int, rng: np.random.Generator) -> int:
        """An anchor whose sentence names something else; `index` itself if none is found soon."""
        for other in rng.integers(len(self.slots), size=TRIES):
            if self.words[index] != self.words[int(other)]:
                return int(other)
        return index


def find_untouched(
    windows: Windows,
    first_row: Int64[np.ndarray, " borders"],
    width_height_px: Float[np.ndarray, "slot 2"],
    episode: Int64[np.ndarray, " slot"],
    resting: RestingPoints,
    captions: Sequence[CaptionPool],
) -> Untouched:
    """The anchors that have late points and resting ones.

    Args:
        windows: Rows of all anchors, in pixels.
        first_row: Rows of each anchor.
        width_height_px: Of each anchor's picture.
        episode: Number of each anchor's episode.
        resting: Resting points of the anchors.
        captions: Of the anchors.
    """
    n_rows = np.diff(first_row)
    to_uv = (2 / np.repeat(width_height_px, n_rows, axis=0))[:, None]
    future = windows.future[..., :2].astype(np.float32) * to_uv
    away_uv = np.linalg.norm(future - future[:, :1], axis=-1)
    away_uv[~windows.future_valid] = 0
    has_left = away_uv > RESTS_UV
    onset = np.where(has_left.any(1), has_left.argmax(1), 0)
    is_late = (onset >= FIRST_STEPS) & (away_uv.max(1) > GOES_UV)
    slot = np.repeat(np.arange(len(n_rows)), n_rows)
    n_late = np.bincount(slot, is_late, len(n_rows))
    mean = np.bincount(slot, is_late * onset, len(n_rows)) / np.maximum(n_late, 1)
    mean[(n_late < FEWEST_POINTS) | (np.diff(resting.first_row) == 0)] = 0
    longest = np.zeros(int(episode.max(initial=-1)) + 1)
    np.maximum.at(longest, episode, mean)
    slots = np.flatnonzero((mean > 0) & (mean >= LONGEST_SHARE * longest[episode]))
    return Untouched(slots.astype(np.int64), is_late, _telling_words([captions[int(slot)] for slot in slots]))


def _telling_words(pools: Sequence[CaptionPool]) -> list[frozenset[str]]:
    """The words of each pool that less than half of the different pools use."""
    words = {id(pool): pool.words() for pool in pools}
    used = Counter(word for found in words.values() for word in found)
    telling = {word for word, count in used.items() if count < len(words) / 2}
    return [words[id(pool)] & telling for pool in pools]
