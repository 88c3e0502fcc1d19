"""Grid points that nobody could follow, carried by the rigid body beside them.

A grid also falls on smooth surfaces where no tracker finds anything. Such a point, if it lies on something
that moves, rides on the body of its nearest followed neighbours, provided the depth camera sees through the
places it would take less often than through the place where it started. Otherwise it stays.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.tracking.lifting import project, sample_depth
from mu0.traceextract.tracking.world_tracks import WorldTracks

REACH_M = 0.12  # from a followed neighbour
SEE_THROUGH_M = 0.025
MIN_GAIN = 0.05  # of the frames in which the camera looks there
MIN_RIDERS = 3


def carry_by_neighbours(
    start: Float64[np.ndarray, "m 3"], tracks: WorldTracks, scene: Reconstruction
) -> tuple[Float64[np.ndarray, "t m 3"], Bool[np.ndarray, " m"]]:
    """World positions of points over a window, and which of them found a body.

    Args:
        start: Positions [m] at the window's first frame, all on movers.
        tracks: What was followed, helpers included.
        scene: Depth and cameras of the window.
    """
    assert tracks.points_world is not None
    assert tracks.rides_on is not None
    carried = np.repeat(start[None], tracks.n_frames, 0)
    found = np.zeros(len(start), bool)
    least = _seen_through(carried, scene) - MIN_GAIN
    for number in range(1, int(tracks.rides_on.max(initial=0)) + 1):
        riders = tracks.points_world[:, tracks.rides_on == number].astype(np.float64)
        if riders.shape[1] < MIN_RIDERS:
            continue
        near = np.linalg.norm(start[:, None] - riders[0][None], axis=-1).min(1) < REACH_M
        index = np.flatnonzero(near)
        moved = _ride(start[index], riders)
        share = _seen_through(moved, scene)
        better = share < least[index]
        chosen: Int[np.ndarray, " k"] = index[better]
        carried[:, chosen], least[chosen], found[chosen] = moved[:, better], share[better], True
    return carried, found


def _ride(
    start: Float64[np.ndarray, "m 3"], riders: Float64[np.ndarray, "t r 3"]
) -> Float64[np.ndarray, "t m 3"]:
    """Points carried by the rigid motion that fits the riders best in every frame (Kabsch)."""
    centre = riders.mean(1, keepdims=True)
    u, _, vt = np.linalg.svd(np.einsum("ri,trj->tij", riders[0] - centre[0], riders - centre))
    flip = np.sign(np.linalg.det(np.einsum("tij,tjk->tik", u, vt)))
    u[:, :, 2] *= flip[:, None]
    rotation = np.einsum("tij,tjk->tki", u, vt)  # frame from start
    moved: Float64[np.ndarray, "t m 3"] = np.einsum("tij,mj->tmi", rotation, start - centre[0]) + centre
    return moved


def _seen_through(
    points_world: Float[np.ndarray, "t m 3"], scene: Reconstruction
) -> Float64[np.ndarray, " m"]:
    """Share of the looks at a point's place in which the camera saw something behind it."""
    assert scene.depth_m is not None
    pixel, z = project(points_world, scene.intrinsics, scene.camera_from_world)
    height, width = scene.depth_m.shape[1:]
    with np.errstate(invalid="ignore"):
        inside = (pixel >= 0).all(-1) & (pixel[..., 0] <= width - 1) & (pixel[..., 1] <= height - 1)
    measured = sample_depth(np.asarray(scene.depth_m), np.where(inside[..., None], pixel, np.nan))
    looked = inside & (measured > 0)
    through = looked & (measured - z > SEE_THROUGH_M)
    share: Float64[np.ndarray, " m"] = through.sum(0) / np.maximum(looked.sum(0), 1)
    return share
