"""Ledgers: on every level of extraction, what went in equals what came out plus what was dropped, by reason.

    level   goes in                          comes out
    clip    every clip that a source named   episodes
    frame   frames of the video              kept frames
    point   keypoints that were chosen       tracks
    pair    track seen from an anchor frame  rows of the samples

Nothing may vanish in silence: `n_unaccounted` of every ledger must be zero, and a check of the chain
(assets_defs/extracted_traces) stops everything when it is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["clip", "frame", "point", "pair"]
LEVELS: tuple[Level, ...] = ("clip", "frame", "point", "pair")


@dataclass(frozen=True)
class Ledger:
    """One level of one clip.

    Attributes:
        level: What is counted.
        n_in: How many went in.
        n_out: How many came out.
        dropped: How many were dropped, by reason; zeros may be left out.
    """

    level: Level
    n_in: int
    n_out: int
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_unaccounted(self) -> int:
        """What is missing without a reason, or was counted twice if negative; zero is right."""
        return self.n_in - self.n_out - sum(self.dropped.values())

    def __add__(self, other: "Ledger") -> "Ledger":
        """The ledger of two windows or two clips together."""
        assert self.level == other.level
        reasons = sorted({*self.dropped, *other.dropped})
        total = {name: self.dropped.get(name, 0) + other.dropped.get(name, 0) for name in reasons}
        return Ledger(self.level, self.n_in + other.n_in, self.n_out + other.n_out, total)


def reasons_of(ledger: Ledger) -> dict[str, int]:
    """The reasons that dropped something, most frequent first; equal counts in alphabetical order."""
    found = {name: count for name, count in ledger.dropped.items() if count}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
