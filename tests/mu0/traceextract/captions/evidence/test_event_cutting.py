"""Events: the reference values, and laws about lengths, order and gaps."""

import itertools

import numpy as np
import pytest

from mu0.params.extract import CaptionsParams
from mu0.traceextract.captions.evidence.event_cutting import (
    clean_segments,
    find_events,
    merge_windows,
    noisy_frames,
)
from tests.mu0.traceextract.captions.caption_fakes import bumps

PARAMS = CaptionsParams()


def _ranges(signal: np.ndarray, params: CaptionsParams = PARAMS) -> list[tuple[int, int]]:
    rows = np.zeros(len(signal), int)
    return [(chunk.start_idx, chunk.end_idx) for chunk in find_events(signal, rows, params).chunks]


def test_three_bumps_give_the_reference_chunks() -> None:
    signal = bumps(120, [20, 60, 100], [1, 0.8, 0.9], 9)
    assert _ranges(signal) == [(0, 40), (41, 79), (80, 119)]


def test_seven_bumps_are_capped_at_five_chunks() -> None:
    signal = bumps(300, list(range(20, 300, 40)), list(np.linspace(1.0, 0.7, 7)), 6)
    assert _ranges(signal) == [(0, 39), (40, 79), (80, 119), (120, 159), (160, 299)]


def test_a_short_clip_is_one_event() -> None:
    assert _ranges(bumps(25, [5, 20], [1, 1], 2)) == [(0, 24)]


def test_a_flat_signal_is_cut_in_thirds() -> None:
    assert _ranges(np.zeros(90)) == [(0, 29), (30, 59), (60, 89)]


def test_chunks_that_are_too_long_become_nearly_equal_parts() -> None:
    params = PARAMS.model_copy(update={"max_chunk_len": 40})
    signal = bumps(103, [50], [1], 9)
    assert _ranges(signal, params) == [(0, 34), (35, 68), (69, 102)]


@pytest.mark.parametrize("seed", range(8))
def test_chunks_cover_the_clip_without_gap_and_none_is_too_short(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_frames = int(rng.integers(30, 400))
    ranges = _ranges(rng.gamma(1, 1, n_frames))
    assert ranges[0][0] == 0
    assert ranges[-1][1] == n_frames - 1
    assert all(b == a + 1 for (_, a), (b, _) in itertools.pairwise(ranges))
    assert min(end - start + 1 for start, end in ranges) >= 25


def _segments(rows: np.ndarray, params: CaptionsParams) -> list[tuple[int, int]]:
    return clean_segments(noisy_frames(rows, params), params.min_chunk_len)


def test_noisy_frames_belong_to_no_event() -> None:
    rows = np.full(100, 10)
    rows[40:45] = 300
    events = find_events(np.zeros(100), rows, PARAMS)
    assert [(c.segment_id, c.start_idx, c.end_idx) for c in events.chunks] == [
        (0, 0, 39), (1, 45, 69), (1, 70, 99),
    ]  # fmt: skip
    assert not any(c.start_idx <= frame <= c.end_idx for c in events.chunks for frame in range(40, 45))
    assert events.noisy == ((40, 44),)
    assert events.note == ""
    assert _segments(rows, PARAMS.model_copy(update={"noisy_pad": 2})) == [(0, 37), (47, 99)]
    assert _segments(rows, PARAMS.model_copy(update={"max_keypoints_per_frame": 0})) == [(0, 99)]
    assert _segments(np.full(50, 400), PARAMS) == []


def test_an_episode_that_the_noise_rule_would_empty_is_cut_without_it_and_says_so() -> None:
    signal = bumps(120, [20, 60, 100], [1, 0.8, 0.9], 9)
    events = find_events(signal, np.full(120, 1700), PARAMS)
    assert [(c.start_idx, c.end_idx) for c in events.chunks] == [(0, 40), (41, 79), (80, 119)]
    assert events.note == "120 of 120 frames have 300 rows or more; cut without the noisy-frame rule"
    assert events.noisy == ()


def test_the_noise_rule_may_take_less_than_half_of_the_anchors() -> None:
    rows = np.full(100, 200)
    rows[:49] = 300
    assert [c.start_idx for c in find_events(np.zeros(100), rows, PARAMS).chunks] == [49, 74]
    rows[:51] = 300
    events = find_events(np.zeros(100), rows, PARAMS)
    assert events.chunks[0].start_idx == 0
    assert events.note.startswith("51 of 100 frames")


def test_lengths_that_differ_and_values_that_are_not_finite_do_no_harm() -> None:
    signal = bumps(125, [20, 60, 100], [1, 0.8, 0.9], 9)
    signal[[0, 119]] = np.nan, -np.inf
    events = find_events(signal, np.zeros(120, int), PARAMS)
    assert [(c.start_idx, c.end_idx) for c in events.chunks] == [(0, 40), (41, 79), (80, 119)]
    assert find_events(np.zeros(1), np.zeros(1, int), PARAMS).chunks[0].length == 1


AGIBOT = CaptionsParams(preset="agibot")


def test_agibot_keeps_two_peaks_and_does_not_cut_a_flat_clip() -> None:
    assert (AGIBOT.max_chunk_len, AGIBOT.max_chunks, AGIBOT.accel_threshold_ratio) == (300, 3, 0.35)
    assert not AGIBOT.use_motion_mask
    assert _ranges(np.zeros(290), AGIBOT) == [(0, 289)]
    assert _ranges(np.zeros(401), AGIBOT) == [(0, 200), (201, 400)]
    signal = bumps(290, [30, 110, 190, 260], [1, 0.7, 0.9, 0.6], 9)
    assert len(_ranges(signal, AGIBOT)) == 2
    assert len(_ranges(signal)) == 4
    assert CaptionsParams(preset="agibot", max_chunks=6).max_chunks == 6


def test_a_very_long_clip_may_have_more_events_than_the_cap() -> None:
    params = CaptionsParams(min_chunk_len=10, max_chunk_len=30, max_chunks=3)
    signal = bumps(300, list(range(15, 300, 30)), [1.0] * 10, 4)
    assert len(_ranges(signal, params)) > 3
    capped = params.model_copy(update={"more_chunks_if_long": False, "max_chunk_len": 300})
    assert len(_ranges(signal, capped)) == 2


@pytest.mark.parametrize(
    ("n_chunks", "expected"),
    [
        (1, ["full"]),
        (2, ["pair"]),
        (3, ["pair", "pair", "triple"]),
        (4, ["pair", "pair", "pair", "triple", "triple", "full"]),
    ],
)
def test_merge_windows_of_a_segment(n_chunks: int, expected: list[str]) -> None:
    params = PARAMS.model_copy(update={"min_chunk_len": 10, "max_chunk_len": 10})
    chunks = find_events(np.zeros(10 * n_chunks), np.zeros(10 * n_chunks, int), params).chunks
    windows = merge_windows(chunks)
    assert [window.merge_type for window in windows] == expected
    assert windows[-1].chunks == chunks


def test_windows_never_cross_a_noisy_gap() -> None:
    rows = np.full(100, 10)
    rows[50] = 500
    events = find_events(np.zeros(100), rows, PARAMS)
    assert len(events.segments) == 2
    for window in merge_windows(events.chunks):
        assert len({chunk.segment_id for chunk in window.chunks}) == 1
