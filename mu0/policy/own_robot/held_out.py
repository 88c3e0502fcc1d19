"""Which rows an expert learns from, and which it is asked about afterwards; no window lies in both.

several episodes   whole ones are held out, drawn by a seed
one episode        its last part in time is, and the windows of training end before it begins
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mu0.errors import PolicyError

MIN_LATE_SHARE = 0.2
"""Of a single episode: a tenth of one would be a few windows of one moment."""


@dataclass(frozen=True)
class Segment:
    """Rows [first, end) of the episode with this number among the usable ones."""

    episode: int
    first: int
    end: int

    def __len__(self) -> int:
        return self.end - self.first


@dataclass(frozen=True)
class Split:
    """Segments to learn from and to be asked about, and in words how they were chosen."""

    train: tuple[Segment, ...]
    held_out: tuple[Segment, ...]
    how: str


def split_episodes(lengths: Sequence[int], chunk_len: int, share: float, seed: int) -> Split:
    """Hold out a share of the episodes, at least one; of a single one its end.

    Raises:
        PolicyError: There is nothing to learn from, or no held-out part that holds a whole window.
    """
    require_usable(lengths)
    if len(lengths) == 1:
        cut = round(lengths[0] * (1 - max(share, MIN_LATE_SHARE)))
        split = Split(
            (Segment(0, 0, cut),),
            (Segment(0, cut, lengths[0]),),
            f"rows {cut} to {lengths[0] - 1} of the only usable episode: one moment of one recording, which "
            "says little about others",
        )
    else:
        n_held_out = min(max(1, round(share * len(lengths))), len(lengths) - 1)
        drawn = np.random.default_rng(seed).permutation(len(lengths))[:n_held_out].tolist()
        whole = [Segment(number, 0, length) for number, length in enumerate(lengths)]
        split = Split(
            tuple(one for one in whole if one.episode not in drawn),
            tuple(one for one in whole if one.episode in drawn),
            f"{n_held_out} of {len(lengths)} usable episodes, drawn by seed {seed}",
        )
    longest = max(len(one) for one in split.held_out)
    if longest <= chunk_len:
        raise PolicyError(
            f"The longest held-out part has {longest} rows; a window takes {chunk_len + 1}.",
            expected="held-out rows for at least one chunk and the command before it",
            remedy="give a shorter --chunk or a larger --held-out, or record longer episodes.",
        )
    return split


def require_usable(lengths: Sequence[int]) -> None:
    """Check that there is anything to learn from.

    Raises:
        PolicyError: There is no usable episode.
    """
    if not lengths:
        raise PolicyError(
            "The dataset has no usable episode.",
            expected="at least one episode with states, actions and all pictures",
            remedy="see above why each was left out; `--camera` chooses fewer cameras.",
        )
