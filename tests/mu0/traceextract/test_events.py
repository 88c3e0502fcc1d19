"""Events: the reference values, and laws about lengths, order and gaps."""

import itertools

import numpy as np
import pytest

from mu0.params.extract import CaptionsParams
from mu0.traceextract.events import clean_segments, merge_windows, split_events

PARAMS = CaptionsParams()


def _bumps(n_frames: int, centres: list[int], heights: list[float], sigma: float) -> np.ndarray:
    time = np.arange(n_frames)
    return sum(
        (h * np.exp(-0.5 * ((time - c) / sigma) ** 2) for c, h in zip(centres, heights, strict=True)),
        np.zeros(n_frames),
    )


def _ranges(signal: np.ndarray, params: CaptionsParams = PARAMS) -> list[tuple[int, int]]:
    rows = np.zeros(len(signal), int)
    return [(chunk.start_idx, chunk.end_idx) for chunk in split_events(signal, rows, params)]


def test_three_bumps_give_the_reference_chunks() -> None:
    signal = _bumps(120, [20, 60, 100], [1, 0.8, 0.9], 9)
    assert _ranges(signal) == [(0, 40), (41, 79), (80, 119)]


def test_seven_bumps_are_capped_at_five_chunks() -> None:
    signal = _bumps(300, list(range(20, 300, 40)), list(np.linspace(1.0, 0.7, 7)), 6)
    assert _ranges(signal) == [(0, 39), (40, 79), (80, 119), (120, 159), (160, 299)]


def test_a_short_clip_is_one_event() -> None:
    assert _ranges(_bumps(25, [5, 20], [1, 1], 2)) == [(0, 24)]


def test_a_flat_signal_is_cut_in_thirds() -> None:
    assert _ranges(np.zeros(90)) == [(0, 29), (30, 59), (60, 89)]


def test_chunks_that_are_too_long_become_nearly_equal_parts() -> None:
    params = PARAMS.model_copy(update={"max_chunk_len": 40})
    signal = _bumps(103, [50], [1], 9)
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


def test_noisy_frames_belong_to_no_event() -> None:
    rows = np.zeros(100, int)
    rows[40:45] = 300
    chunks = split_events(np.zeros(100), rows, PARAMS)
    assert [(c.segment_id, c.start_idx, c.end_idx) for c in chunks] == [(0, 0, 39), (1, 45, 69), (1, 70, 99)]
    assert not any(c.start_idx <= frame <= c.end_idx for c in chunks for frame in range(40, 45))
    padded = PARAMS.model_copy(update={"noisy_pad": 2})
    assert clean_segments(rows, padded) == [(0, 37), (47, 99)]
    off = PARAMS.model_copy(update={"max_keypoints_per_frame": 0})
    assert clean_segments(rows, off) == [(0, 99)]
    assert clean_segments(np.full(50, 400), PARAMS) == []


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
    chunks = split_events(np.zeros(10 * n_chunks), np.zeros(10 * n_chunks, int), params)
    windows = merge_windows(chunks)
    assert [window.merge_type for window in windows] == expected
    assert windows[-1].chunks == tuple(chunks)


def test_windows_never_cross_a_noisy_gap() -> None:
    rows = np.zeros(100, int)
    rows[50] = 500
    for window in merge_windows(split_events(np.zeros(100), rows, PARAMS)):
        assert len({chunk.segment_id for chunk in window.chunks}) == 1
