"""Did it leave, or did its track slide? Movers seen by a moving camera must be vouched for by depth.

While the camera moves, a track may wander in the world although nothing moves: along the rim of a chair's
leg, with a reflection or a highlight, with the crossing of two edges at different depths, on what is seen
through glass. Each place of such a track is a piece of a still surface that the depth camera sees, or sees
hidden, in every other frame as well. A thing that moves leaves its place: at other times the camera looks
*through* the place where it was, or where it will be.

    places      a few positions of each track, as far apart as it gets
    witnesses   frames, evenly over the clip, that look at each place
    vote        in the whole surroundings of the place, measured depth lies beyond it by more than the noise
    left        two places of a track, or for a rigid body enough of its riders, were seen through

Surroundings of `REACH_PX` keep errors of poses, of registration and of depth at silhouettes from voting. The
margin grows with the square of depth, as the noise of depth cameras does, and its scale is measured: it is
how far still points of the same clip are from where the witnesses see them.

What slides within its own surface without leaving it (a sheet pulled over a table, a turning disk) leaves
nothing to see through; with a moving camera it is not found.

Source
    Free-space votes: own, as in `mu0.traceextract.tracking.witnesses`.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.bodies.reacquisition import WholeTracks
from mu0.traceextract.tracking.lifting import project
from mu0.traceextract.tracking.witnesses import DEPTH_MARGIN_M
from mu0.traceextract.tracking.world_tracks import STILL

N_PLACES = 8
N_WITNESSES = 16
REACH_PX = 2
MIN_WITNESSES = 2  # that see through a place
MIN_PLACES = 2
BODY_SHARE = 0.15  # of a body's riders
MARGIN_SIGMAS = 5.0
NORMAL = 1.4826  # standard deviation over median absolute deviation


def find_sliders(
    whole: WholeTracks, moves: Bool[np.ndarray, " n"], reconstruction: Reconstruction
) -> Bool[np.ndarray, " n"]:
    """Points that seem to move, but whose places no frame sees through; none if the camera stands still.

    Args:
        whole: All points.
        moves: Those in question.
        reconstruction: Depth and camera path.
    """
    poses = reconstruction.camera_from_world
    if not moves.any() or (poses == poses[0]).all():
        return np.zeros_like(moves)
    witnesses = _Witnesses(reconstruction)
    still = whole.rides_on == STILL
    scale = witnesses.noise_per_m(whole.points_world[:, still], whole.visible[:, still])
    asked = np.flatnonzero(moves)
    left = np.zeros_like(moves)
    left[asked] = _has_left(whole.points_world[:, asked], whole.visible[:, asked], witnesses, scale)
    for body in np.unique(whole.rides_on[asked]):
        riders = asked[whole.rides_on[asked] == body]
        if body > STILL and left[riders].mean() >= BODY_SHARE:
            left[riders] = True
    return moves & ~left


class _Witnesses:
    """Frames, and for each of their pixels the nearest depth around it; 0 where some is missing."""

    def __init__(self, reconstruction: Reconstruction) -> None:
        depth_m = reconstruction.depth_m
        assert depth_m is not None
        self._frames = np.unique(np.linspace(0, len(depth_m) - 1, N_WITNESSES).round().astype(int))
        around = np.ones((2 * REACH_PX + 1, 2 * REACH_PX + 1), np.uint8)
        self._nearest = [cv2.erode(depth_m[frame].astype(np.float32), around) for frame in self._frames]
        self._intrinsics = reconstruction.intrinsics
        self._poses = reconstruction.camera_from_world[self._frames]
        self.slack_m = reconstruction.pose_slack_m

    def gaps(
        self, places: Float[np.ndarray, "p 3"]
    ) -> tuple[Float[np.ndarray, "k p"], Float[np.ndarray, "k p"]]:
        """How far behind each place every witness sees the nearest thing [m], NaN if it cannot; and z [m]."""
        everywhere = np.broadcast_to(places, (len(self._frames), *places.shape))
        pixel, z = project(everywhere, self._intrinsics, self._poses)
        height, width = self._nearest[0].shape
        with np.errstate(invalid="ignore"):
            inside = (z > 0) & (pixel >= 0).all(-1)
            inside &= (pixel[..., 0] <= width - 1) & (pixel[..., 1] <= height - 1)
        column, row = np.moveaxis(np.rint(np.where(inside[..., None], pixel, 0)).astype(int), -1, 0)
        measured = np.stack([image[v, u] for image, u, v in zip(self._nearest, column, row, strict=True)])
        return np.where(inside & (measured > 0), measured - z, np.nan), z

    def noise_per_m(self, points: Float[np.ndarray, "t n 3"], visible: Bool[np.ndarray, "t n"]) -> float:
        """Standard deviation of the gaps of still points, per square metre of depth [1 / m]."""
        seen = visible[self._frames]
        if not seen.any():
            return 0.0
        gap, z = self.gaps(np.median(points, 0))
        relative = (gap / np.maximum(z, 1e-3) ** 2)[seen & np.isfinite(gap)]
        if len(relative) == 0:
            return 0.0
        return NORMAL * float(np.median(np.abs(relative - np.median(relative))))


def _has_left(
    points: Float[np.ndarray, "t n 3"],
    visible: Bool[np.ndarray, "t n"],
    witnesses: _Witnesses,
    noise_per_m: float,
) -> Bool[np.ndarray, " n"]:
    """Points of which enough places were seen through."""
    places, owner = _far_apart(points, visible)
    gap, z = witnesses.gaps(places)
    margin_m = np.maximum(DEPTH_MARGIN_M + witnesses.slack_m, MARGIN_SIGMAS * noise_per_m * z**2)
    with np.errstate(invalid="ignore"):
        is_seen_through = (gap > margin_m).sum(0) >= MIN_WITNESSES
    return np.bincount(owner[is_seen_through], minlength=visible.shape[1]) >= MIN_PLACES


def _far_apart(
    points: Float[np.ndarray, "t n 3"], visible: Bool[np.ndarray, "t n"]
) -> tuple[Float[np.ndarray, "p 3"], Int[np.ndarray, " p"]]:
    """Up to `N_PLACES` places of each point, each the farthest from those before it; and whose they are."""
    n_points = visible.shape[1]
    place = points[visible.argmax(0), np.arange(n_points)]  # where it was seen first
    apart = np.where(visible, np.inf, -1.0)
    places, owner = [], []
    for _ in range(N_PLACES):
        new = np.flatnonzero(apart.max(0) > 0)
        places.append(place[new])
        owner.append(new)
        apart = np.minimum(apart, np.linalg.norm(points - place, axis=-1))
        place = points[apart.argmax(0), np.arange(n_points)]
    return np.concatenate(places), np.concatenate(owner)
