"""Pyramidal Lucas-Kanade with self-doubt: a step counts only if it can be undone and still looks alike.

Each keypoint is followed from its query frame to the end and, in a second sweep, back to the beginning. A
step is kept when (1) tracking it backwards returns to where it came from, (2) the patch still correlates
with the last one and with the one it was chosen for, (3) the measured depth does not jump, (4) it stays
inside the image. The first failed step ends the track in that direction; `reacquisition` finds it again.

Sources
    Thresholds and costs: reference/perception.md §3 and §6.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from mu0.traceextract.backends.interfaces import Keypoints, PixelTracks

Grey: TypeAlias = UInt8[np.ndarray, "h w"]

SMALL_WIDTH_PX = 256


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
    """Follow keypoints forwards and backwards in time until a step fails."""
    n_frames, n_points = len(grey), len(keypoints.frame)
    pixel = np.repeat(keypoints.pixel[None].astype(np.float32), n_frames, 0)
    is_seen = np.zeros((n_frames, n_points), bool)
    is_seen[keypoints.frame, np.arange(n_points)] = True
    for order in (range(n_frames - 1), range(n_frames - 1, 0, -1)):
        direction = 1 if order.step > 0 else -1
        _sweep(grey, depth_m, keypoints, settings, (pixel, is_seen), [(t, t + direction) for t in order])
    return PixelTracks(pixel, is_seen)


def _sweep(
    grey: UInt8[np.ndarray, "t h w"],
    depth_m: Float[np.ndarray, "t h w"] | None,
    keypoints: Keypoints,
    settings: LucasKanadeSettings,
    tracks: tuple[Float32[np.ndarray, "t n 2"], Bool[np.ndarray, "t n"]],
    steps: list[tuple[int, int]],
) -> None:
    """Fill `tracks` in one direction of time, starting each point at its query frame."""
    pixel, is_seen = tracks
    radius = settings.patch_radius_px
    chosen, z_chosen = _queries(grey, depth_m, keypoints, radius)
    last, z_last = chosen.copy(), z_chosen.copy()
    alive = np.zeros(len(keypoints.frame), bool)
    for now, then in steps:
        alive |= keypoints.frame == now
        index = np.flatnonzero(alive)
        if len(index) == 0:
            continue
        there, good = lucas_kanade_step(grey[now], grey[then], pixel[now, index], settings)
        after = patches(grey[then], there, radius)
        good &= correlation(last[index], after) > settings.step_correlation
        good &= correlation(chosen[index], after) > settings.query_correlation
        if depth_m is not None:
            before_m, after_m = z_last[index], sample_depth(depth_m[then], there)
            good &= (before_m > 0) & (after_m > 0) & (np.abs(after_m - before_m) < settings.depth_jump_m)
            z_last[index] = after_m
        last[index] = after
        pixel[then, index[good]] = there[good]
        is_seen[then, index[good]] = True
        alive[index[~good]] = False


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
