"""Which depth image belongs to which frame: by number, else by time, never by place.

Recorders lose frames of either stream. Counted through, every pair after a loss would be of two moments.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mu0.errors import SourceError
from mu0.sources.own_files.picture_rows import numbers_of
from mu0.sources.own_files.time_lists import MAX_TIME_GAP_S, nearest, times_of_names

Pairs = tuple[tuple[Path, ...], tuple[Path, ...]]


def pair(folder: Path, frames: Sequence[Path], depth: Sequence[Path]) -> tuple[Pairs, str]:
    """Frames with their depth images, in the frames' order, and what to tell of those without a partner.

    Raises:
        SourceError: The names share no numbers and hold no times.
    """
    by_name = {path.stem: path for path in depth}
    found = [(path, by_name[path.stem]) for path in frames if path.stem in by_name]
    if len(found) < min(len(frames), len(depth)):
        found = _by_number(frames, depth) or _by_time(frames, depth)
    if 2 * len(found) < min(len(frames), len(depth)) or not found:
        raise SourceError(
            f"{folder}: {len(frames)} frames such as {frames[0].name} and {len(depth)} depth images such as "
            f"{depth[0].name} have {len(found)} numbers in common.",
            expected="names that say which depth image belongs to which frame: equal numbers, or times",
            remedy="give both the same numbers, or write rgb.txt and depth.txt with lines `time file`.",
        )
    n_lost = len(frames) - len(found), len(depth) - len({image for _, image in found})
    note = (
        f"{n_lost[0]} colour and {n_lost[1]} depth images without a partner were left out"
        if any(n_lost)
        else ""
    )
    colour, images = zip(*found, strict=True)
    return (colour, images), note


def _by_number(frames: Sequence[Path], depth: Sequence[Path]) -> list[tuple[Path, Path]]:
    numbers, others = numbers_of(frames), numbers_of(depth)
    if None in numbers or None in others:
        return []
    place = dict(zip(others, depth, strict=True))
    found = [(path, place[number]) for path, number in zip(frames, numbers, strict=True) if number in place]
    return found if 2 * len(found) >= min(len(frames), len(depth)) else []


def _by_time(frames: Sequence[Path], depth: Sequence[Path]) -> list[tuple[Path, Path]]:
    times_s, others_s = times_of_names(frames), times_of_names(depth)
    if times_s is None or others_s is None:
        return []
    index, gap_s = nearest(times_s, others_s)
    near = np.flatnonzero(gap_s <= MAX_TIME_GAP_S)
    return [(frames[number], depth[int(index[number])]) for number in near.tolist()]
