"""Joining parts of an episode's rows undoes cutting them."""

import numpy as np

from mu0.episodes.arrays import EXTRA_NAMES, SAMPLE_NAMES, SampleExtras, Samples
from mu0.episodes.joined_samples import SampledPart, joined_parts
from mu0.episodes.retiming import Retiming

COUNTS = (2, 1, 3, 2)  # rows per anchor; every anchor's rows are one run


def _part(first: int, last: int) -> SampledPart:
    """Rows of the anchors `first` to `last - 1`, the same numbers however they are cut."""
    start, end = sum(COUNTS[:first]), sum(COUNTS[:last])
    rows = np.arange(start, end)
    offsets = np.concatenate([[0], np.cumsum(COUNTS[first:last])]).astype(np.int64)
    steps = np.broadcast_to(rows[:, None, None], (len(rows), 3, 3)).astype(np.float16)
    masks = np.ones((len(rows), 3), bool)
    samples = Samples(
        np.arange(first, last, dtype=np.int32), offsets, steps[:, 0, :2], rows.astype(np.int32), masks[:, 0],
        masks[:, 0].astype(np.float16), steps, steps, masks, masks, steps, steps, masks, masks,
    )  # fmt: skip
    extras = SampleExtras(rows.astype(np.int32), (rows / 100).astype(np.float16))
    frames = np.arange(first, last)[:, None] + np.arange(3.0)
    return samples, extras, Retiming(0.05, frames, -frames, offsets, rows.astype(np.int32))


def test_joining_undoes_cutting() -> None:
    parts = [_part(0, 1), _part(1, 3), _part(3, 4)]
    samples, extras, retiming = joined_parts(parts)
    assert parts == [], "nothing is held twice"
    whole = _part(0, 4)
    for name in SAMPLE_NAMES:
        np.testing.assert_array_equal(getattr(samples, name), getattr(whole[0], name), name)
        assert getattr(samples, name).dtype == getattr(whole[0], name).dtype, name
    for name in EXTRA_NAMES:
        np.testing.assert_array_equal(getattr(extras, name), getattr(whole[1], name), name)
    assert retiming is not None
    for name in ("future_frame", "history_frame", "run_offsets", "track_ids"):
        np.testing.assert_array_equal(getattr(retiming, name), getattr(whole[2], name), name)
    assert retiming.path_step == 0.05
    assert retiming.run_offsets.dtype == np.int64


def test_one_part_is_itself_and_none_is_nothing() -> None:
    part = _part(0, 4)
    assert joined_parts([part]) is part
    assert joined_parts([]) == (None, None, None)
