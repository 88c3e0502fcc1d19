"""Pyramidal Lucas-Kanade with self-doubt: a step counts only if it can be undone and still looks alike.

Each keypoint is followed from its query frame to the end and, in a second sweep, back to the beginning. A
step is kept when (1) tracking it backwards returns to where it came from, (2) the patch still correlates
with the last one and with the one it was chosen for, (3) the measured depth does not jump, (4) it stays
inside the image. A point whose step fails is looked for again some frames later (`refinding`).

Sources
    Thresholds and costs: reference/perception.md §3 and §6.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from mu0.traceextract.backends.interfaces import Keypoints, PixelTracks
from mu0.traceextract.tracking.refinding import AGES, Companions, Lost, Refinder

Grey: TypeAlias = UInt8[np.ndarray, "h w"]

SMALL_WIDTH_PX = 256
NEVER = -1000
REFOUND_JUMP_M = 0.15


@dataclass(frozen=True)
class LucasKanadeSettings:
    """Limits of one step; `for_width` gives values that fit the picture size."""

    window_px: int = 21
    n_levels: int = 3
    undo_limit_px: float = 1.0
    step_correlation: float = 0.3
    query_correlation: float = 0.1
    depth_jump_m: float = 0.08
    patch_radius_px: int = 5
    looks_again: bool = True

    @classmethod
    def for_width(cls, width_px: int) -> "LucasKanadeSettings":
        """Small pictures need small windows: an object of 20 px must fill the window."""
        if width_px <= SMALL_WIDTH_PX:
            return cls(window_px=11, n_levels=2, undo_limit_px=0.7, patch_radius_px=3)
        return cls()


def sample_depth(
    depth_m: Float[np.ndarray, "*t h w"], pixel: Float[np.ndarray, "*t n 2"], edge_m: float = 0.03
) -> Float[np.ndarray, "*t n"]:
    """Depth at pixels: the median of those 3 x 3 neighbours that lie on the same surface; 0 = missing.

    Frame by frame if there is an axis of frames. Pixels outside the image are clipped to its border; NaN
    pixels give 0.
    """
    height, width = depth_m.shape[-2:]
    flat = pixel.reshape(-1, 2)
    if len(flat) == 0:
        return np.zeros(pixel.shape[:-1], depth_m.dtype)
    frame = np.arange(depth_m.size // (height * width)).repeat(pixel.shape[-2])
    finite = np.isfinite(flat).all(-1)
    x, y = np.rint(np.where(finite[:, None], flat, 0)).T
    corner = (frame * height + y.clip(1, height - 2).astype(int) - 1) * width
    corner += x.clip(1, width - 2).astype(int) - 1
    offsets = np.add.outer(np.arange(3) * width, np.arange(3)).ravel()
    window = depth_m.reshape(-1)[corner + offsets[:, None]]
    far = np.where(window > 0, window, np.inf)
    surface = np.where(window[4] > 0, window[4], far.min(0))
    with np.errstate(invalid="ignore"):
        on_surface = np.abs(far - surface) < edge_m
    ordered = np.sort(np.where(on_surface, window, np.inf), 0)
    count = on_surface.sum(0)
    points = np.arange(len(flat))
    usable = (count > 0) & finite
    low = np.where(usable, ordered[np.maximum((count - 1) // 2, 0), points], 0)
    high = np.where(usable, ordered[np.minimum(count // 2, 8), points], 0)
    return ((low + high) / 2).reshape(pixel.shape[:-1])


def patches(
    grey: Grey, pixel: Float[np.ndarray, "n 2"], radius_px: int
) -> Float32[np.ndarray, "n side side"]:
    """Bilinear patches around pixels, normalized, so that a product correlates."""
    side = 2 * radius_px + 1
    if len(pixel) == 0:
        return np.zeros((0, side, side), np.float32)
    offsets = np.arange(-radius_px, radius_px + 1, dtype=np.float32)
    at = pixel.astype(np.float32)
    x = np.repeat((at[:, 0, None] + offsets)[:, None, :], side, 1).reshape(-1, side)
    y = np.repeat((at[:, 1, None] + offsets)[:, :, None], side, 2).reshape(-1, side)
    cut = cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    cut = cut.reshape(-1, side, side)
    cut -= cut.mean((1, 2), keepdims=True)
    norm = np.sqrt((cut * cut).sum((1, 2), keepdims=True))
    return cut / np.maximum(norm, 1.0)


def correlation(
    a: Float[np.ndarray, "n side side"], b: Float[np.ndarray, "n side side"]
) -> Float[np.ndarray, " n"]:
    """Normalized cross correlation of normalized patches."""
    return (a * b).sum((1, 2))


def lucas_kanade_step(
    source: Grey, goal: Grey, pixel: Float32[np.ndarray, "n 2"], settings: LucasKanadeSettings
) -> tuple[Float32[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
    """One step and whether it can be undone and stays inside the image."""
    size = (settings.window_px, settings.window_px)
    start = np.ascontiguousarray(pixel.reshape(-1, 1, 2))
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        source, goal, start, None, winSize=size, maxLevel=settings.n_levels
    )
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(
        goal, source, there, None, winSize=size, maxLevel=settings.n_levels
    )
    there = there.reshape(-1, 2)
    undo_px = np.linalg.norm(back.reshape(-1, 2) - pixel, axis=1)
    height, width = goal.shape
    inside = (there >= 0).all(1) & (there[:, 0] <= width - 1) & (there[:, 1] <= height - 1)
    good = (found.ravel() == 1) & (found_back.ravel() == 1) & (undo_px < settings.undo_limit_px) & inside
    return there, good


def follow(
    grey: UInt8[np.ndarray, "t h w"],
    depth_m: Float[np.ndarray, "t h w"] | None,
    keypoints: Keypoints,
    settings: LucasKanadeSettings,
) -> PixelTracks:
    """Follow keypoints forwards and backwards in time; what is lost is looked for some frames later."""
    n_frames, n_points = len(grey), len(keypoints.frame)
    pixel = np.repeat(keypoints.pixel[None].astype(np.float32), n_frames, 0)
    is_seen = np.zeros((n_frames, n_points), bool)
    is_seen[keypoints.frame, np.arange(n_points)] = True
    chosen, z_chosen = _queries(grey, depth_m, keypoints, settings.patch_radius_px)
    refinder = Refinder(grey) if settings.looks_again else None
    for order in (range(n_frames - 1), range(n_frames - 1, 0, -1)):
        sweep = _Sweep(
            grey, depth_m, settings, refinder, pixel, is_seen, chosen, chosen.copy(), z_chosen.copy(),
            np.zeros(n_points, bool), np.full(n_points, NEVER),
        )  # fmt: skip
        for now in order:
            then = now + order.step
            sweep.alive[keypoints.frame == now] = True
            sweep.step(now, then)
            sweep.look_again(now, then)
    return PixelTracks(pixel, is_seen)


@dataclass(frozen=True)
class _Sweep:
    """Tracking in one direction of time; the arrays are written to."""

    grey: UInt8[np.ndarray, "t h w"]
    depth_m: Float[np.ndarray, "t h w"] | None
    settings: LucasKanadeSettings
    refinder: Refinder | None
    pixel: Float32[np.ndarray, "t n 2"]
    is_seen: Bool[np.ndarray, "t n"]
    chosen: Float32[np.ndarray, "n side side"]  # patches where the points were chosen ...
    last: Float32[np.ndarray, "n side side"]  # ... and where they were seen last
    z_last: Float[np.ndarray, " n"]
    alive: Bool[np.ndarray, " n"]
    lost_at: Int[np.ndarray, " n"]  # frame in which a lost point was seen last

    def step(self, now: int, then: int) -> None:
        """Follow what is alive by one frame."""
        index = np.flatnonzero(self.alive)
        if len(index) == 0:
            return
        there, good = lucas_kanade_step(
            self.grey[now], self.grey[then], self.pixel[now, index], self.settings
        )
        after = patches(self.grey[then], there, self.settings.patch_radius_px)
        good &= correlation(self.last[index], after) > self.settings.step_correlation
        good &= correlation(self.chosen[index], after) > self.settings.query_correlation
        good &= self._depth_fits(then, index, there, self.settings.depth_jump_m)
        self._accept(then, index[good], there[good], after[good])
        self.alive[index[~good]] = False
        self.lost_at[index[~good]] = now

    def look_again(self, now: int, then: int) -> None:
        """Revive points that were lost some frames ago and are found in frame `then`."""
        age = (then - self.lost_at) * (then - now)
        wanted = np.flatnonzero(~self.alive & np.isin(age, AGES))
        if self.refinder is None or len(wanted) == 0:
            return
        frame = self.lost_at[wanted]
        earlier = (frame - 2 * (then - now)).clip(0, len(self.pixel) - 1)
        moved = (self.pixel[frame, wanted] - self.pixel[earlier, wanted]) / 2
        velocity_px = np.where(self.is_seen[earlier, wanted, None], moved, 0)
        lost = Lost(frame, self.pixel[frame, wanted], velocity_px)
        there, good = self.refinder.find(lost, then, self._companions(np.unique(frame), then))
        index, there = wanted[good], there[good]
        after = patches(self.grey[then], there, self.settings.patch_radius_px)
        fits = correlation(self.chosen[index], after) > self.settings.query_correlation
        fits &= self._depth_fits(then, index, there, REFOUND_JUMP_M)
        self._accept(then, index[fits], there[fits], after[fits])
        self.alive[index[fits]] = True

    def _companions(self, starts: Int[np.ndarray, " k"], then: int) -> Companions:
        """Points that were followed without a break, where they are now and were at each of `starts`."""
        count = [np.flatnonzero(self.alive & self.is_seen[start]) for start in starts]
        which, frame = np.concatenate(count), np.repeat(starts, [len(part) for part in count])
        return Companions(self.pixel[frame, which], self.pixel[then, which], frame)

    def _depth_fits(
        self, then: int, index: Int[np.ndarray, " k"], there: Float32[np.ndarray, "k 2"], jump_m: float
    ) -> Bool[np.ndarray, " k"]:
        """Whether depth is measured and close to the last one; remembers it."""
        if self.depth_m is None:
            return np.ones(len(index), bool)
        before_m, after_m = self.z_last[index], sample_depth(self.depth_m[then], there)
        fits = (before_m > 0) & (after_m > 0) & (np.abs(after_m - before_m) < jump_m)
        self.z_last[index[fits]] = after_m[fits]
        return fits

    def _accept(
        self,
        then: int,
        index: Int[np.ndarray, " k"],
        there: Float32[np.ndarray, "k 2"],
        after: Float32[np.ndarray, "k side side"],
    ) -> None:
        self.pixel[then, index], self.is_seen[then, index], self.last[index] = there, True, after


def _queries(
    grey: UInt8[np.ndarray, "t h w"],
    depth_m: Float[np.ndarray, "t h w"] | None,
    keypoints: Keypoints,
    radius: int,
) -> tuple[Float32[np.ndarray, "n side side"], Float[np.ndarray, " n"]]:
    """Patch and depth of each keypoint where it was chosen; depth 0 where there is none."""
    side = 2 * radius + 1
    cut = np.zeros((len(keypoints.frame), side, side), np.float32)
    z_m = np.zeros(len(keypoints.frame), np.float32 if depth_m is None else depth_m.dtype)
    for frame in np.unique(keypoints.frame):
        here = keypoints.frame == frame
        cut[here] = patches(grey[frame], keypoints.pixel[here], radius)
        if depth_m is not None:
            z_m[here] = sample_depth(depth_m[frame], keypoints.pixel[here].astype(np.float32))
    return cut, z_m


def lift(
    tracks: PixelTracks,
    depth_m: Float[np.ndarray, "t h w"],
    intrinsics: Float[np.ndarray, "3 3"],
    camera_from_world: Float[np.ndarray, "t 4 4"],
) -> tuple[Float[np.ndarray, "t n 3"], Bool[np.ndarray, "t n"]]:
    """World positions [m] of seen pixels and where they exist; NaN elsewhere."""
    z = sample_depth(depth_m, tracks.pixel)
    has_depth = tracks.is_seen & (z > 0)
    focal, centre = intrinsics[[0, 1], [0, 1]], intrinsics[:2, 2]
    rays = (tracks.pixel - centre) / focal
    camera = np.concatenate([rays * z[..., None], z[..., None]], -1)
    world_from_camera = np.linalg.inv(camera_from_world)
    world = camera @ np.swapaxes(world_from_camera[:, :3, :3], 1, 2) + world_from_camera[:, None, :3, 3]
    return np.where(has_depth[..., None], world, np.nan), has_depth


def project(
    points_world: Float[np.ndarray, "t n 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    camera_from_world: Float[np.ndarray, "t 4 4"],
) -> tuple[Float[np.ndarray, "t n 2"], Float[np.ndarray, "t n"]]:
    """Pixels and depths [m] of world points in every frame's own camera; NaN pixels behind the camera."""
    rotation, translation = camera_from_world[:, :3, :3], camera_from_world[:, None, :3, 3]
    camera = points_world @ np.swapaxes(rotation, 1, 2) + translation
    z = camera[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        pixel = camera[..., :2] / np.where(z > 0, z, np.nan)[..., None]
    return pixel * intrinsics[[0, 1], [0, 1]] + intrinsics[:2, 2], z
