"""Episodes that share a video must lie behind one another in it.

Where the times of two overlap, at least one of them would show another episode's frames. One whose beginning
is just where the rows of all episodes before it end is right; the others are left out with the reason.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from mu0.errors import SourceError
from mu0.sources.lerobot.info import AGAIN
from mu0.sources.lerobot.places import Episode

_NOWHERE = (0.0, 0.0, 0)


def without_overlaps(episodes: Iterable[Episode], fps_hz: float) -> list[Episode]:
    """The episodes, in their order; those whose frames lie inside another one's have a fault."""
    listed = list(episodes)
    faults: dict[int, SourceError] = {}
    for (key, file), members in _sharing(listed).items():
        spans = [(*_seconds(listed[number], key), number) for number in members]
        starts = dict(_starts(listed, members, fps_hz))
        before, *others = sorted(span for span in spans if _fits(span, listed[span[2]], fps_hz)) or [_NOWHERE]
        for after in others:
            for one, other in ((before, after), (after, before)):
                overlaps = after[0] < before[1] - 0.5 / fps_hz
                if overlaps and abs(one[0] - starts[one[2]]) >= 0.5 / fps_hz:
                    faults[one[2]] = _overlap(file, listed[one[2]], one[:2], listed[other[2]], other[:2])
            before = max(before, after, key=lambda span: span[1])  # the one that reaches furthest
    return [
        replace(episode, fault=faults[number]) if number in faults else episode
        for number, episode in enumerate(listed)
    ]


def _sharing(episodes: list[Episode]) -> dict[tuple[str, str], list[int]]:
    """Which episodes share a video, by camera and file."""
    sharing: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, episode in enumerate(episodes):
        for key, place in episode.videos.items():
            if episode.fault is None and place.seconds is not None:
                sharing[key, place.file].append(number)
    return sharing


def _fits(span: tuple[float, float, int], episode: Episode, fps_hz: float) -> bool:
    """Whether an episode has as many frames as rows; one that has not is told when it is read."""
    return abs((span[1] - span[0]) * fps_hz - episode.length) < 1


def _seconds(episode: Episode, key: str) -> tuple[float, float]:
    seconds = episode.videos[key].seconds
    assert seconds is not None
    return seconds


def _starts(episodes: list[Episode], members: list[int], fps_hz: float) -> Iterable[tuple[int, float]]:
    """Where each would begin if the video held these episodes and nothing else, in order of their numbers."""
    n_rows = 0
    for number in sorted(members, key=lambda number: episodes[number].index):
        yield number, n_rows / fps_hz
        n_rows += episodes[number].length


def _overlap(
    file: str, one: Episode, seconds: tuple[float, float], other: Episode, others_s: tuple[float, float]
) -> SourceError:
    return SourceError(
        f"{file}: {one.name} ({seconds[0]:.4f} s to {seconds[1]:.4f} s) overlaps {other.name} "
        f"({others_s[0]:.4f} s to {others_s[1]:.4f} s).",
        expected="episodes behind one another in their video",
        remedy=AGAIN,
    )
