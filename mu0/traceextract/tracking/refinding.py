"""Find lost points again: a hand passed in front, a step was too large, a blur came and went.

A point that was lost in one frame is looked for in a later one

    where       around the place where its last velocity leads, the farther the longer it was away
    by what     the patch that was seen last, by normalized cross correlation on a small copy of the picture
    distinct    the best place must beat every other place in the window
    in company  at least two points that were near it must have gone the same way, found or never lost

The last rule is what makes this safe: a single patch matches by chance, three that agree do not. It works on
pixels alone, so a clip without depth profits as well; with depth the rigid bodies (`reacquisition`) judge the
result once more.

Convention
    everything is in pixels of the full picture unless a name says `small`
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

AGES = (2, 4, 7, 11, 16, 22)  # frames after the loss in which a point is looked for
SEARCH_WIDTH_PX = 320  # of the small copy
SMALL_RADIUS_PX = 6
REACH_PX = (6.0, 2.5)  # of the window in the small copy: at once, and per frame of absence
MAX_REACH_PX = 40
VELOCITY_SHARE = 0.7  # things slow down rather than speed up
MIN_CORRELATION = 0.75
MIN_LEAD = 0.06
PEAK_RADIUS_PX = 3
FINE_RADIUS_PX, MIN_FINE_CORRELATION = 7, 0.87
COMPANY_PX, COMPANY_SHARE = 45.0, 0.12  # in the small copy: how near companions are, how alike they go
MIN_COMPANY = 2
DRIFT_PX = 2.5
SAME_TIME = 3  # frames


@dataclass(frozen=True)
class Lost:
    """Points that are looked for: when and where they were seen last, and how they moved then."""

    frame: Int[np.ndarray, " n"]
    pixel: Float[np.ndarray, "n 2"]
    velocity_px: Float[np.ndarray, "n 2"]


@dataclass(frozen=True)
class Companions:
    """Points that were never lost between `frame` of a lost point and now: where they were, and are."""

    before: Float[np.ndarray, "m 2"]
    after: Float[np.ndarray, "m 2"]
    frame: Int[np.ndarray, " m"]


@dataclass(frozen=True)
class _Searches:
    """Where each point is looked for in the small copy; the ends are not included."""

    start: Float[np.ndarray, "n 2"]  # where it was seen last ...
    pixel: Int[np.ndarray, "n 2"]  # ... and the pixel in which that is
    first: Int[np.ndarray, "n 2"]
    last: Int[np.ndarray, "n 2"]
    is_possible: Bool[np.ndarray, " n"]  # the whole patch lies in the picture


class Refinder:
    """Looks for patches in small copies of the pictures."""

    def __init__(self, grey: UInt8[np.ndarray, "t h w"]) -> None:
        self._grey = grey
        self.scale = max(1.0, grey.shape[2] / SEARCH_WIDTH_PX)
        self._small: dict[int, UInt8[np.ndarray, "h w"]] = {}

    def small(self, frame: int) -> UInt8[np.ndarray, "h w"]:
        """The small copy of a frame."""
        if frame not in self._small:
            height, width = self._grey[frame].shape
            size = (round(width / self.scale), round(height / self.scale))
            self._small[frame] = cv2.resize(self._grey[frame], size, interpolation=cv2.INTER_AREA)
        return self._small[frame]

    def find(
        self, lost: Lost, goal: int, companions: Companions
    ) -> tuple[Float32[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """Where lost points are in frame `goal`, and which of them were found."""
        found = np.zeros((len(lost.frame), 2), np.float32)
        good = np.zeros(len(lost.frame), bool)
        searches = self._plan(lost, goal)
        for index in np.flatnonzero(searches.is_possible).tolist():
            place = self._search(lost, index, goal, searches)
            if place is not None:
                found[index], good[index] = place, True
        here = np.flatnonzero(good)
        good[here] = self._in_company(lost, here, found[here], companions)
        return found, good

    def _plan(self, lost: Lost, goal: int) -> "_Searches":
        """Windows of all points at once: most of them hold nothing, and cost no more than the look."""
        start = (lost.pixel + 0.5) / self.scale - 0.5
        pixel = np.rint(start).astype(int)
        height, width = self.small(goal).shape
        r = SMALL_RADIUS_PX
        fits = (pixel >= r) & (pixel < np.array([width - r, height - r]))
        age = np.abs(goal - lost.frame)[:, None]
        way = (VELOCITY_SHARE * age).astype(lost.velocity_px.dtype) * lost.velocity_px / self.scale
        reach = np.minimum(MAX_REACH_PX, REACH_PX[0] + REACH_PX[1] * age).astype(start.dtype)
        first = np.maximum(0, (start + way - reach).astype(int) - r)
        last = (start + way + reach).astype(int) + r + 1
        return _Searches(start, pixel, first, last, fits.all(1))

    def _search(
        self, lost: Lost, index: int, goal: int, searches: "_Searches"
    ) -> Float[np.ndarray, " 2"] | None:
        r = SMALL_RADIUS_PX
        (x, y), start = searches.pixel[index].tolist(), searches.start[index]
        patch = self.small(int(lost.frame[index]))[y - r : y + r + 1, x - r : x + r + 1]
        (left, top), (right, bottom) = searches.first[index].tolist(), searches.last[index].tolist()
        window = self.small(goal)[top:bottom, left:right]
        if min(window.shape) < 2 * r + 3:
            return None
        match = cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED)
        _, best, _, (u, v) = cv2.minMaxLoc(match)
        if best < MIN_CORRELATION or not _is_distinct(match, u, v, best):
            return None
        small = np.array([left + u + r, top + v + r]) + _summit(match, u, v) + start - (x, y)
        return self._refine(lost, index, goal, (small + 0.5) * self.scale - 0.5)

    def _refine(
        self, lost: Lost, index: int, goal: int, place: Float[np.ndarray, " 2"]
    ) -> Float[np.ndarray, " 2"] | None:
        """The same match in the full picture, near a place found in the small one."""
        r, reach = FINE_RADIUS_PX, round(self.scale) + 1
        source, centre = self._grey[int(lost.frame[index])], lost.pixel[index].astype(np.float32)
        patch = cv2.getRectSubPix(source, (2 * r + 1, 2 * r + 1), centre)
        side = 2 * (r + reach) + 1
        window = cv2.getRectSubPix(self._grey[goal], (side, side), place.astype(np.float32))
        match = cv2.matchTemplate(window, patch, cv2.TM_CCOEFF_NORMED)
        _, best, _, (u, v) = cv2.minMaxLoc(match)
        if best < MIN_FINE_CORRELATION:
            return None
        return place + np.array([u - reach, v - reach]) + _summit(match, u, v)

    def _in_company(
        self,
        lost: Lost,
        which: Int[np.ndarray, " k"],
        found: Float32[np.ndarray, "k 2"],
        companions: Companions,
    ) -> Bool[np.ndarray, " k"]:
        """Points whose way is also the way of others that were near."""
        start, frame = lost.pixel[which].astype(np.float32), lost.frame[which]
        own = found - start
        before = np.concatenate([start, companions.before]).astype(np.float32)
        way = np.concatenate([own, companions.after - companions.before]).astype(np.float32)
        when = np.concatenate([frame, companions.frame])
        limit = DRIFT_PX * self.scale + COMPANY_SHARE * np.hypot(own[:, 0], own[:, 1])
        company = _apart_squared(start, before) < (COMPANY_PX * self.scale) ** 2
        company &= np.abs(when - frame[:, None]) <= SAME_TIME
        company &= _apart_squared(own, way) < (limit * limit)[:, None]
        return company.sum(1) > MIN_COMPANY  # each is its own companion


def _apart_squared(
    a: Float32[np.ndarray, "n 2"], b: Float32[np.ndarray, "m 2"]
) -> Float32[np.ndarray, "n m"]:
    dx, dy = (a[:, None, axis] - b[None, :, axis] for axis in (0, 1))
    return dx * dx + dy * dy


def _is_distinct(match: Float32[np.ndarray, "h w"], u: int, v: int, best: float) -> bool:
    """Whether everything beyond the peak's own neighbourhood is clearly worse."""
    r = PEAK_RADIUS_PX
    rest = match.copy()
    rest[max(0, v - r) : v + r + 1, max(0, u - r) : u + r + 1] = -1
    return bool(rest.max() < best - MIN_LEAD)


def _summit(match: Float32[np.ndarray, "h w"], u: int, v: int) -> Float[np.ndarray, " 2"]:
    """The peak between pixels, by a parabola along each axis."""
    offset = np.zeros(2)
    height, width = match.shape
    if 0 < u < width - 1:
        offset[0] = _vertex(match[v, u - 1 : u + 2])
    if 0 < v < height - 1:
        offset[1] = _vertex(match[v - 1 : v + 2, u])
    return offset


def _vertex(values: Float32[np.ndarray, " 3"]) -> float:
    before, here, after = values.tolist()
    bend = before - 2 * here + after
    return 0.0 if bend > -1e-6 else max(-0.5, min(0.5, 0.5 * (before - after) / bend))
