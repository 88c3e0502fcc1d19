"""Events: where one movement of an episode ends and the next begins.

Where a course of skills is known (`course.py`), events are its skills: cut where something is touched, taken
along or let go, and where the way turns. Else they are cut as the official code cuts: hands and robots brake
between the parts of a task, so the acceleration of the moving points, smoothed, peaks inside an event and
sinks between two; events are cut at the valleys between the strongest peaks.

Frames with too many rows are noisy and belong to no event. An episode that this rule would leave without any
event is cut as if the rule did not exist, and says so: dense points are no reason to lose an episode.

Entry points
    find_events     an episode's signals -> its events, noisy intervals, and a note if the rule was dropped
    merge_windows   events -> the neighbouring ones that are also described together

Conventions
    frames  all ranges are inclusive, as in the official caption files

Source
    reference/traceextract.md §3 and §4.5, with the reference values in the tests.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.signal import find_peaks, savgol_filter

from mu0.params.extract import CaptionsParams

POLYNOMIAL_ORDER = 2
FLAT = 1e-9  # a smoothed signal of less span has no peaks
MIN_SAVGOL_WINDOW = 5
LEAST_KEPT = 0.5  # of the frames that have rows, else the noisy-frame rule is dropped


@dataclass(frozen=True)
class Chunk:
    """One event.

    Attributes:
        chunk_id: Number over the whole episode.
        segment_id: Clean segment that it lies in; merging never leaves it.
        start_idx: First frame.
        end_idx: Last frame, inclusive.
    """

    chunk_id: int
    segment_id: int
    start_idx: int
    end_idx: int

    @property
    def length(self) -> int:
        """Number of frames."""
        return self.end_idx - self.start_idx + 1


@dataclass(frozen=True)
class MergeWindow:
    """Neighbouring events that are also described together."""

    merge_type: str  # "pair", "triple" or "full"
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True)
class Events:
    """How an episode was cut.

    Attributes:
        chunks: Events in time order; at least one.
        segments: Clean frame ranges in which they lie.
        noisy: Frame ranges that belong to no event because they hold too many rows.
        note: Why the noisy-frame rule was not used; empty if it was.
    """

    chunks: tuple[Chunk, ...]
    segments: tuple[tuple[int, int], ...]
    noisy: tuple[tuple[int, int], ...]
    note: str = ""


def find_events(
    acceleration: Float[np.ndarray, " t"],
    rows_per_frame: Int[np.ndarray, " n"],
    params: CaptionsParams,
    cuts: Sequence[int] = (),
) -> Events:
    """Cut an episode into events.

    Args:
        acceleration: Mean acceleration of moving points in each frame; not finite counts as 0.
        rows_per_frame: Number of sample rows of each frame, 0 for frames that are no anchors. Where the two
            differ in length, the frames that have both are cut.
        params: Lengths and thresholds.
        cuts: First frames of the skills of a known course, ascending; empty if none is known.
    """
    n_frames = min(len(acceleration), len(rows_per_frame))
    signal = np.nan_to_num(acceleration[:n_frames].astype(np.float64), posinf=0.0, neginf=0.0)
    noisy = noisy_frames(rows_per_frame[:n_frames], params)
    segments = clean_segments(noisy, params.min_chunk_len)
    if segments and _n_anchors_in(segments, rows_per_frame) >= LEAST_KEPT * np.count_nonzero(rows_per_frame):
        return Events(_chunks_in(segments, signal, params, cuts), tuple(segments), tuple(_ranges(noisy)))
    note = (
        f"{int(noisy.sum())} of {n_frames} frames have {params.max_keypoints_per_frame} rows or more; "
        "cut without the noisy-frame rule"
    )
    whole = [(0, n_frames - 1)]
    return Events(_chunks_in(whole, signal, params, cuts), tuple(whole), (), note if noisy.any() else "")


def _n_anchors_in(segments: list[tuple[int, int]], rows_per_frame: Int[np.ndarray, " n"]) -> int:
    return sum(int(np.count_nonzero(rows_per_frame[first : last + 1])) for first, last in segments)


def _chunks_in(
    segments: list[tuple[int, int]],
    signal: Float[np.ndarray, " t"],
    params: CaptionsParams,
    cuts: Sequence[int],
) -> tuple[Chunk, ...]:
    chunks: list[Chunk] = []
    for segment_id, (first, last) in enumerate(segments):
        if cuts:
            inside = [cut - first for cut in cuts if first + params.min_skill_len <= cut]
            inside = [cut for cut in inside if cut <= last + 1 - first - params.min_skill_len]
            starts = _split_long([0, *inside], last + 1 - first, params.max_chunk_len)
        else:
            starts = _chunk_starts(signal[first : last + 1], params)
        ends = [*starts[1:], last + 1 - first]
        for start, end in zip(starts, ends, strict=True):
            chunks.append(Chunk(len(chunks), segment_id, first + start, first + end - 1))
    return tuple(chunks)


def noisy_frames(rows_per_frame: Int[np.ndarray, " t"], params: CaptionsParams) -> Bool[np.ndarray, " t"]:
    """Frames with too many rows, and their neighbours within `noisy_pad`."""
    noisy = np.zeros(len(rows_per_frame), bool)
    if params.max_keypoints_per_frame > 0:
        for frame in np.flatnonzero(rows_per_frame >= params.max_keypoints_per_frame):
            noisy[max(0, frame - params.noisy_pad) : frame + params.noisy_pad + 1] = True
    return noisy


def clean_segments(noisy: Bool[np.ndarray, " t"], min_chunk_len: int) -> list[tuple[int, int]]:
    """Inclusive frame ranges without noisy frames, those that are long enough."""
    shortest = min(min_chunk_len, max(2, len(noisy)))
    return [(first, last) for first, last in _ranges(~noisy) if last - first + 1 >= shortest]


def _ranges(chosen: Bool[np.ndarray, " t"]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(int)))
    return [(int(start), int(end) - 1) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _chunk_starts(signal: Float[np.ndarray, " t"], params: CaptionsParams) -> list[int]:
    n_frames = len(signal)
    if n_frames <= max(params.min_chunk_len, 2):
        return [0]
    smoothed = smooth(signal, params.smooth_window)
    peaks = strong_peaks(smoothed, params)
    if len(peaks) == 0 and not params.split_without_peaks:
        starts = [0]
    elif len(peaks) == 0:
        third = max(n_frames // 3, params.min_chunk_len)
        starts = list(range(0, n_frames, max(params.min_chunk_len, min(params.max_chunk_len, third))))
    else:
        valleys = [int(a + np.argmin(smoothed[a : b + 1])) for a, b in itertools.pairwise(peaks)]
        inside = [v for v, a, b in zip(valleys, peaks[:-1], peaks[1:], strict=True) if a < v < b]
        starts = [0, *inside]
    return _split_long(_merge_short(starts, n_frames, params.min_chunk_len), n_frames, params.max_chunk_len)


def smooth(signal: Float[np.ndarray, " t"], window: int) -> Float[np.ndarray, " t"]:
    """Savitzky-Golay of order 2; a moving average where the signal is too short for it."""
    n_frames = len(signal)
    width = max(3, min(window, n_frames if n_frames % 2 else n_frames - 1)) | 1
    if width >= MIN_SAVGOL_WINDOW and n_frames >= width:
        return np.asarray(savgol_filter(signal, width, POLYNOMIAL_ORDER))
    padded = np.pad(signal, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def strong_peaks(smoothed: Float[np.ndarray, " t"], params: CaptionsParams) -> Int[np.ndarray, " p"]:
    """The most prominent peaks, in time order."""
    lowest, span = float(smoothed.min()), float(np.ptp(smoothed))
    if span < FLAT:
        return np.zeros(0, int)
    peaks, properties = find_peaks(
        smoothed,
        height=lowest + params.accel_threshold_ratio * span,
        distance=params.min_chunk_len,
        prominence=params.min_prominence_ratio * span,
    )
    longest = len(smoothed) // params.max_chunk_len if params.more_chunks_if_long else 0
    n_kept = max(1, max(params.max_chunks, longest) - 1)
    by_prominence = np.argsort(-properties["prominences"], kind="stable")
    return np.sort(peaks[by_prominence[:n_kept]])


def _merge_short(starts: list[int], n_frames: int, shortest: int) -> list[int]:
    """Merge the first too short chunk into its shorter neighbour (left on a tie), until none is left."""
    starts = list(starts)
    while len(starts) > 1:
        lengths = np.diff([*starts, n_frames])
        short = np.flatnonzero(lengths < shortest)
        if len(short) == 0:
            break
        chunk = int(short[0])
        into_left = chunk == len(starts) - 1 or (chunk > 0 and lengths[chunk - 1] <= lengths[chunk + 1])
        del starts[chunk if into_left else chunk + 1]
    return starts


def _split_long(starts: list[int], n_frames: int, longest: int) -> list[int]:
    """Split chunks that are too long into nearly equal parts, the first ones one frame longer."""
    parts: list[int] = []
    for start, end in zip(starts, [*starts[1:], n_frames], strict=True):
        n_parts = -(-(end - start) // longest)
        size, longer = divmod(end - start, n_parts)
        parts += [start + part * size + min(part, longer) for part in range(n_parts)]
    return parts


def merge_windows(chunks: Sequence[Chunk]) -> list[MergeWindow]:
    """All adjacent pairs and triples of a segment and the whole segment, each set of events once."""
    windows: dict[tuple[int, ...], MergeWindow] = {}
    for segment_id in sorted({chunk.segment_id for chunk in chunks}):
        own = [chunk for chunk in chunks if chunk.segment_id == segment_id]
        for merge_type, size in (("pair", 2), ("triple", 3), ("full", len(own))):
            for first in range(len(own) - size + 1):
                window = tuple(own[first : first + size])
                windows.setdefault(tuple(c.chunk_id for c in window), MergeWindow(merge_type, window))
    return list(windows.values())
