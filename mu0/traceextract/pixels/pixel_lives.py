"""How long a point of a clip without depth is known: from where it was chosen as far as it still looks alike.

Without depth no rigid body carries a point that is hidden, and no depth says that a track went over to
another surface. So a track is believed in one piece around its query frame only, its *life*

    looks alike    the patch still correlates with the one that was chosen, not with the last one: a patch
                   that changes a little in every frame ends as something else
    trimmed        a track at the rim of what hides it drifts before it is lost: a life ends where the patch
                   was still good
    bridged        a short gap is closed if points nearby were seen all through it and moved as one (a
                   similarity), and lead to where the point was found again
    long enough    what lives for a moment only proves nothing

Whatever lies outside is invalid: not drawn, not learned from. Things that go on to move get new points
(`reseeding`).

Convention
    lengths in pixels of a picture 640 px wide, scaled to the width of the clip
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.traceextract.backends.interfaces import Keypoints, PixelTracks
from mu0.traceextract.tracking.patches import correlation, patches

REFERENCE_WIDTH_PX = 640.0


@dataclass(frozen=True)
class LifeSettings:
    """Limits; found on the tuning clips of benchmarks/trace_accuracy_pixels.py."""

    patch_radius_px: float = 5.0
    min_correlation: float = 0.6  # with the patch that was chosen
    end_correlation: float = 0.7  # the same for the first and last frame of a life
    max_gap: int = 6  # frames
    company_px: float = 60.0
    min_company: int = 3  # seen all through a gap
    agrees_px: float = 3.0  # companions with their common motion, the point with where they lead
    min_frames: int = 4


@dataclass(frozen=True)
class PixelLives:
    """Tracks with their lives.

    Attributes:
        pixel: Positions; where alive but not seen, carried by companions.
        is_seen: Measured and alive.
        lives: One piece per point that holds its query frame; empty for points that do not live long enough.
    """

    pixel: Float[np.ndarray, "t n 2"]
    is_seen: Bool[np.ndarray, "t n"]
    lives: Bool[np.ndarray, "t n"]


def live(
    tracks: PixelTracks,
    is_sound: Bool[np.ndarray, "t n"],
    trusted: Bool[np.ndarray, "t n"],
    query_frame: Int[np.ndarray, " n"],
    width_px: int,
    settings: LifeSettings,
) -> PixelLives:
    """The life of every point.

    Args:
        tracks: As the tracker found them.
        is_sound: Where a track may be believed.
        trusted: Where a life may begin or end.
        query_frame: When each point was chosen.
        width_px: Of the picture.
        settings: Limits.
    """
    n_frames, n_points = is_sound.shape
    scale = width_px / REFERENCE_WIDTH_PX
    pixel, lives = tracks.pixel.astype(np.float32).copy(), np.zeros((n_frames, n_points), bool)
    for point in range(n_points):
        start = int(query_frame[point])
        first = last = start
        for direction in (1, -1):
            while (
                near := _next(is_sound[:, point], first if direction < 0 else last, direction)
            ) is not None:
                end = first if direction < 0 else last
                if abs(near - end) > 1:
                    bridge = _bridge(tracks, is_sound, point, (end, near), (scale, settings))
                    if bridge is None:
                        break
                    pixel[min(end, near) + 1 : max(end, near), point] = bridge
                first, last = min(first, near), max(last, near)
        good = np.flatnonzero(trusted[first : last + 1, point]) + first
        first, last = min(start, good.min(initial=start)), max(start, good.max(initial=start))
        if last - first + 1 >= settings.min_frames:
            lives[first : last + 1, point] = True
    return PixelLives(pixel, is_sound & lives, lives)


def appearance(
    grey: UInt8[np.ndarray, "t h w"], tracks: PixelTracks, keypoints: Keypoints, radius_px: int
) -> Float[np.ndarray, "t n"]:
    """Correlation of every seen patch with the one that was chosen; 0 where not seen, 1 where chosen."""
    found = np.zeros(tracks.is_seen.shape, np.float32)
    side = 2 * radius_px + 1
    chosen = np.zeros((len(keypoints.frame), side, side), np.float32)
    for frame in np.unique(keypoints.frame):
        here = keypoints.frame == frame
        chosen[here] = patches(grey[frame], keypoints.pixel[here], radius_px)
    for frame, is_seen in enumerate(tracks.is_seen):
        here = np.flatnonzero(is_seen)
        found[frame, here] = correlation(
            chosen[here], patches(grey[frame], tracks.pixel[frame, here], radius_px)
        )
    found[keypoints.frame, np.arange(len(keypoints.frame))] = 1
    return found


def _next(is_sound: Bool[np.ndarray, " t"], frame: int, direction: int) -> int | None:
    """The next sound frame in that direction."""
    rest = is_sound[frame + 1 :] if direction > 0 else is_sound[:frame][::-1]
    return frame + direction * (1 + int(rest.argmax())) if rest.any() else None


def _bridge(
    tracks: PixelTracks,
    is_sound: Bool[np.ndarray, "t n"],
    point: int,
    ends: tuple[int, int],
    limits: tuple[float, LifeSettings],
) -> Float[np.ndarray, "g 2"] | None:
    """Where companions carry a point between two frames, in the order of time; None if they do not agree."""
    scale, settings = limits
    low, high = min(ends), max(ends)
    if high - low - 1 > settings.max_gap:
        return None
    start, goal = tracks.pixel[ends[0], point].astype(float), tracks.pixel[ends[1], point].astype(float)
    near = np.linalg.norm(tracks.pixel[ends[0]] - start, axis=-1) < settings.company_px * scale
    near &= is_sound[low : high + 1].all(0)
    if near.sum() < settings.min_company:
        return None
    before = tracks.pixel[ends[0], near].astype(float)
    limit_px = settings.agrees_px * scale
    path = np.empty((high - low - 1, 2))
    for frame in (*range(low + 1, high), ends[1]):
        after = tracks.pixel[frame, near].astype(float)
        motion = similarity(before, after)
        if np.median(np.linalg.norm(_moved(motion, before) - after, axis=1)) > limit_px:
            return None
        place = _moved(motion, start[None])[0]
        if frame == ends[1]:
            off = goal - place
        else:
            path[frame - low - 1] = place
    if np.linalg.norm(off) > limit_px:
        return None
    share = np.abs(np.arange(low + 1, high) - ends[0]) / (high - low)
    return path + share[:, None] * off


def similarity(source: Float[np.ndarray, "k 2"], goal: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, "3 2"]:
    """Least-squares rotation, scale and shift as a matrix that row vectors (x, y, 1) are multiplied by."""
    centre, centre_goal = source.mean(0), goal.mean(0)
    a = (source - centre) @ np.array([1, 1j])
    b = (goal - centre_goal) @ np.array([1, 1j])
    size = float((np.abs(a) ** 2).sum())
    turn = complex((a.conj() * b).sum() / size) if size > 1e-9 else 1 + 0j
    matrix = np.array([[turn.real, turn.imag], [-turn.imag, turn.real]])
    return np.concatenate([matrix, (centre_goal - centre @ matrix)[None]])


def _moved(motion: Float[np.ndarray, "3 2"], points: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, "k 2"]:
    return points @ motion[:2] + motion[2]
