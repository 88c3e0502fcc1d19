"""Long clips for trackers that look at some dozens of frames: windows that overlap and hand tracks on.

A keypoint starts in the window in which its query frame lies deepest, and is followed there both ways. Where
that window overlaps the next, its last sure position becomes the query for the next one, and so on to the
end; then the same backwards. A point that is hidden through a whole overlap is given up there: finding it
again on its rigid body is what `reacquisition` is for.

Only one window of frames, and `tracker_points` points, are with the network at a time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.traceextract.backends.interfaces import Footage, Keypoints, PixelTracks

Frames = Sequence[UInt8[np.ndarray, "h w 3"]]
Tracks = tuple[Float[np.ndarray, "t n 2"], Bool[np.ndarray, "t n"]]
# frames of a window; query frames in it; query pixels -> pixels and visibility in every frame of the window
Follow = Callable[[Frames, Int[np.ndarray, " n"], Float[np.ndarray, "n 2"]], Tracks]


@dataclass(frozen=True)
class Portions:
    """How much goes to the network at a time."""

    frames: int
    overlap: int
    points: int


def windows(n_frames: int, length: int, overlap: int) -> list[tuple[int, int]]:
    """First frame and end of each window; all of equal length, the last one ends with the clip."""
    if n_frames <= length:
        return [(0, n_frames)]
    n_windows = int(np.ceil((n_frames - overlap) / (length - overlap)))
    starts = np.linspace(0, n_frames - length, n_windows).round().astype(int)
    return [(int(start), int(start) + length) for start in starts]


def follow_in_windows(
    footage: Footage, keypoints: Keypoints, follow: Follow, portions: Portions
) -> PixelTracks:
    """Follow keypoints through the whole clip.

    Args:
        footage: Its frames are read one window at a time.
        keypoints: Points to follow.
        follow: The network on one window.
        portions: Sizes of windows and of groups of points.
    """
    n_frames, n_points = len(footage.frames), len(keypoints.frame)
    state = _State(
        np.repeat(keypoints.pixel[None].astype(np.float32), n_frames, 0),
        np.zeros((n_frames, n_points), bool),
    )
    if n_points == 0:
        return PixelTracks(state.pixel, state.is_seen)
    places = windows(n_frames, portions.frames, portions.overlap)
    home = _home(keypoints.frame, places)
    for index, place in enumerate(places):
        native = np.flatnonzero(home == index)
        state.extend(footage, place, native, keypoints.frame[native], follow, portions.points)
        if index:
            earlier = np.flatnonzero(home < index)
            who, query = state.last_sure(earlier, place[0], places[index - 1][1])
            state.extend(footage, place, who, query, follow, portions.points, after=True)
    for index in range(len(places) - 2, -1, -1):
        later = np.flatnonzero(home > index)
        who, query = state.first_sure(later, places[index + 1][0], places[index][1])
        state.extend(footage, places[index], who, query, follow, portions.points, after=False)
    points = np.arange(n_points)
    state.pixel[keypoints.frame, points] = keypoints.pixel
    state.is_seen[keypoints.frame, points] = True
    return PixelTracks(state.pixel, state.is_seen)


def _home(query: Int[np.ndarray, " n"], places: list[tuple[int, int]]) -> Int[np.ndarray, " n"]:
    """The window in which each query frame lies farthest from the ends; the clip's own ends do not count."""
    last = len(places) - 1
    depth = []
    for index, (start, stop) in enumerate(places):
        before = np.where(query >= start, query - start if index else np.inf, -1.0)
        behind = np.where(query < stop, stop - 1 - query if index < last else np.inf, -1.0)
        depth.append(np.minimum(before, behind))
    return np.argmax(depth, axis=0)


@dataclass
class _State:
    pixel: Float[np.ndarray, "t n 2"]
    is_seen: Bool[np.ndarray, "t n"]

    def last_sure(
        self, points: Int[np.ndarray, " p"], start: int, stop: int
    ) -> tuple[Int[np.ndarray, " q"], Int[np.ndarray, " q"]]:
        """Of `points`, those seen in frames [start, stop), and the last frame that saw them."""
        seen = self.is_seen[start:stop, points]
        there = seen.any(0)
        return points[there], stop - 1 - seen[::-1, there].argmax(0)

    def first_sure(
        self, points: Int[np.ndarray, " p"], start: int, stop: int
    ) -> tuple[Int[np.ndarray, " q"], Int[np.ndarray, " q"]]:
        """Of `points`, those seen in frames [start, stop), and the first frame that saw them."""
        seen = self.is_seen[start:stop, points]
        there = seen.any(0)
        return points[there], start + seen[:, there].argmax(0)

    def extend(
        self,
        footage: Footage,
        place: tuple[int, int],
        points: Int[np.ndarray, " p"],
        query: Int[np.ndarray, " p"],
        follow: Follow,
        at_a_time: int,
        *,
        after: bool | None = None,
    ) -> None:
        """Follow `points` through one window; `after` takes over only frames behind (before) the query."""
        if len(points) == 0:
            return
        start, stop = place
        frames = [footage.frames[frame] for frame in range(start, stop)]
        for first in range(0, len(points), at_a_time):
            some, when = points[first : first + at_a_time], query[first : first + at_a_time]
            pixel, is_seen = follow(frames, when - start, self.pixel[when, some].astype(np.float64))
            assert pixel.shape == (stop - start, len(some), 2)
            time = np.arange(start, stop)[:, None]
            new = np.ones_like(is_seen) if after is None else (time > when if after else time < when)
            is_seen &= np.isfinite(pixel).all(-1)
            row, column = np.nonzero(new)
            self.pixel[start + row, some[column]] = np.nan_to_num(pixel)[row, column]
            self.is_seen[start + row, some[column]] = is_seen[row, column]
