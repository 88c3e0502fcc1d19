"""Rows that came in parts, as one: samples, our own columns and the re-timing map."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from mu0.episodes.arrays import EXTRA_NAMES, SAMPLE_NAMES, SampleExtras, Samples
from mu0.episodes.retiming import TABLES, Retiming

SampledPart: TypeAlias = tuple[Samples, SampleExtras, Retiming]  # of the same rows
OFFSETS = ("offsets", "run_offsets")  # each part's own begin with 0


def joined_samples(parts: Sequence[Samples]) -> Samples:
    """The rows of all parts, one part or more, in their order."""
    if len(parts) == 1:
        return parts[0]
    return Samples(**_joined({name: [getattr(part, name) for part in parts] for name in SAMPLE_NAMES}))


def joined_parts(
    parts: list[SampledPart],
) -> tuple[Samples | None, SampleExtras | None, Retiming | None]:
    """All parts as one; None three times if there is no part.

    Empties the list, so that no more than one column is in memory twice.
    """
    if len(parts) <= 1:
        return parts.pop() if parts else (None, None, None)
    path_step = parts[0][2].path_step
    samples, extras, retiming = (
        {name: [getattr(part[kind], name) for part in parts] for name in names}
        for kind, names in enumerate((SAMPLE_NAMES, EXTRA_NAMES, TABLES))
    )
    parts.clear()
    return (
        Samples(**_joined(samples)),
        SampleExtras(**_joined(extras)),
        Retiming(path_step=path_step, **_joined(retiming)),
    )


def _joined(columns: dict[str, list[np.ndarray]]) -> dict[str, np.ndarray]:
    """One array per column; a column's parts are let go before the next is joined."""
    return {name: _one(name, columns.pop(name)) for name in list(columns)}


def _one(name: str, parts: list[np.ndarray]) -> np.ndarray:
    if name not in OFFSETS:
        return np.concatenate(parts)
    counts = np.concatenate([np.diff(own) for own in parts])
    return np.concatenate([[0], np.cumsum(counts)]).astype(parts[0].dtype)
