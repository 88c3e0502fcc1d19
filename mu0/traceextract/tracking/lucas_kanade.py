"""Point tracker `lucas_kanade`: a step counts only if it can be undone and still looks alike.

Each keypoint is followed from its query frame to the end and, in a second sweep, back to the beginning. A
step is kept when (1) tracking it backwards returns to where it came from, (2) the patch still correlates
with the last one and with the one it was chosen for, (3) the measured depth does not jump, (4) it stays
inside the image. A point whose step fails is looked for again some frames later (`refinding`).
"""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from mu0.traceextract.backends.interfaces import (
    AbstractPointTracker,
    Footage,
    Keypoints,
    PixelTracks,
    Reconstruction,
)
from mu0.traceextract.tracking.lifting import sample_depth
from mu0.traceextract.tracking.lucas_kanade_step import LucasKanadeSettings, lucas_kanade_step
from mu0.traceextract.tracking.patches import correlation, patches
from mu0.traceextract.tracking.refinding import AGES, Companions, Lost, Refinder

NEVER = -1000
REFOUND_JUMP_M = 0.15


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


@final
class LucasKanadeTracker(AbstractPointTracker):
    """Follows keypoints frame by frame, forwards and backwards, until a step fails.

    Without depth it takes the frames between the kept ones too: steps are smaller and less blurred.
    """

    def track(self, footage: Footage, reconstruction: Reconstruction, keypoints: Keypoints) -> PixelTracks:
        """Pixels and visibility in every frame."""
        settings = LucasKanadeSettings.for_width(footage.image_size_px[0])
        if footage.fine is not None and not reconstruction.is_3d:
            kept = footage.fine.kept
            fine = follow(footage.fine.grey, None, replace(keypoints, frame=kept[keypoints.frame]), settings)
            return PixelTracks(fine.pixel[kept], fine.is_seen[kept])
        return follow(footage.grey, reconstruction.depth_m, keypoints, settings)
