"""Rows that came in parts, as one: samples, our own columns and the re-timing map."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from mu0.episodes.arrays import EXTRA_NAMES, SAMPLE_NAMES, SampleExtras, Samples
from mu0.episodes.retiming import Retiming

SampledPart: TypeAlias = tuple[Samples, SampleExtras, Retiming]  # of the same rows


def joined_samples(parts: Sequence[Samples]) -> Samples:
    """The rows of all parts, one part or more, in their order."""
    if len(parts) == 1:
        return parts[0]
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in SAMPLE_NAMES}
    return Samples(**(arrays | {"offsets": _added_up([part.offsets for part in parts])}))


def joined_parts(
    parts: Sequence[SampledPart],
) -> tuple[Samples | None, SampleExtras | None, Retiming | None]:
    """All parts as one; None three times if there is no part."""
    if len(parts) <= 1:
        return parts[0] if parts else (None, None, None)
    samples, extras, retimings = zip(*parts, strict=True)
    columns = {name: np.concatenate([getattr(part, name) for part in extras]) for name in EXTRA_NAMES}
    return joined_samples(samples), SampleExtras(**columns), _joined_retiming(retimings)


def _joined_retiming(parts: Sequence[Retiming]) -> Retiming:
    return Retiming(
        path_step=parts[0].path_step,
        future_frame=np.concatenate([part.future_frame for part in parts]),
        history_frame=np.concatenate([part.history_frame for part in parts]),
        run_offsets=_added_up([part.run_offsets for part in parts]),
        track_ids=np.concatenate([part.track_ids for part in parts]),
    )


def _added_up(offsets: Sequence[np.ndarray]) -> np.ndarray:
    """Offsets over all parts; each part's own begin with 0."""
    counts = np.concatenate([np.diff(own) for own in offsets])
    return np.concatenate([[0], np.cumsum(counts)]).astype(offsets[0].dtype)
