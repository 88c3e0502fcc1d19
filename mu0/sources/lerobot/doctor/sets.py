"""What only the whole dataset shows: lengths, episodes that are there twice, dimensions that never change."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from mu0.sources.lerobot.doctor.findings import WHOLE, Finding
from mu0.sources.lerobot.doctor.scales import MIN_EPISODES, Scale
from mu0.sources.lerobot.doctor.signals import ACTION, STATE, Signals
from mu0.sources.lerobot.doctor.times import LEAVE_OUT

MIN_ROWS = 2
LENGTH_RATIO = 3.0
DUPLICATE = "duplicate"


def check_lengths(episodes: Sequence[Signals]) -> Iterator[Finding]:
    """Episodes of one row, and those far from the median length."""
    usual = float(np.median([signals.length for signals in episodes])) if episodes else 0.0
    for signals in episodes:
        found = f"{signals.length} rows"
        if signals.length < MIN_ROWS:
            yield Finding(
                signals.name, "length", "unusable", found, f"at least {MIN_ROWS} rows: a motion", LEAVE_OUT
            )
        elif len(episodes) >= MIN_EPISODES and not 1 / LENGTH_RATIO < signals.length / usual < LENGTH_RATIO:
            yield Finding(
                signals.name,
                "length",
                "notice",
                found,
                f"{usual / LENGTH_RATIO:.0f} to {usual * LENGTH_RATIO:.0f}; the median is {usual:.0f}",
                "look at the episode: broken off, or two in one.",
            )


def check_duplicates(episodes: Sequence[Signals]) -> Iterator[Finding]:
    """Episodes whose states and actions are those of an earlier one, number by number."""
    seen: dict[str, str] = {}
    for signals in episodes:
        digest = hashlib.sha256()
        for name in (STATE, ACTION):
            if name in signals.numbers:
                digest.update(np.ascontiguousarray(signals.numbers[name]).tobytes())
        first = seen.setdefault(digest.hexdigest(), signals.name)
        if first != signals.name:
            yield Finding(
                signals.name,
                DUPLICATE,
                "mendable",
                f"states and actions are those of {first}",
                "each demonstration once: copies end up in training and in test",
                "`--repair` keeps the first one.",
            )


def check_constant(scales: dict[str, Scale]) -> Iterator[Finding]:
    """Dimensions of state and action that have one value in all episodes."""
    for name in (STATE, ACTION):
        if name in scales and (dimensions := np.flatnonzero(scales[name].is_constant).tolist()):
            yield Finding(
                WHOLE,
                "constant",
                "notice",
                f"{name} never changes in the dimensions {', '.join(map(str, dimensions))}",
                "dimensions that vary; ranges of zero blow up when values are divided by them",
                "leave them out of training, or give their range a floor.",
            )
