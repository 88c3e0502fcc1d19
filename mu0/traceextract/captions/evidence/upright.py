"""Which way is up: the normal of the surface that things stand on, as the depth image shows it.

A camera that looks down at a table sees a lift as a movement up and towards itself. People call it up. Where
the lower half of the first depth image holds a plane that could be a table or a floor, its normal is up;
where there is none (no depth, a camera that looks straight down), the picture's own up is.
"""

import numpy as np
from jaxtyping import Float

from mu0.episodes.read import Episode
from mu0.geometry.camera import unproject

N_PIXELS, N_TRIALS = 800, 80
NEAR_SHARE = 0.012  # of its distance, by which a pixel may miss the plane
LEAST_SHARE = 0.25  # of the pixels, that must lie on it
LEAST_AHEAD = 0.2
PICTURE_UP = np.array([0.0, -1.0, 0.0])
LEAST_COSINE = 0.5  # between the plane's normal and the picture's up


def up_in_world(episode: Episode) -> Float[np.ndarray, " 3"]:
    """Unit vector against gravity, as far as one can tell."""
    pose = episode.camera_from_world[0, :3, :3].astype(np.float64)
    return pose.T @ up_in_camera(episode)


def viewer_axes(up: Float[np.ndarray, " 3"]) -> Float[np.ndarray, "3 3"]:
    """Right, down and ahead of a viewer who stands upright, as rows, in the axes of the camera.

    Args:
        up: Unit vector against gravity, in the camera's axes. The picture's own up gives the camera's axes.
    """
    ahead = np.array([0.0, 0.0, 1.0])
    ahead = ahead - (ahead @ up) * up
    length = float(np.linalg.norm(ahead))
    if length < LEAST_AHEAD:  # the camera looks along gravity: nothing is ahead of it
        return np.eye(3)
    ahead /= length
    return np.stack([np.cross(ahead, up), -up, ahead])


def up_in_camera(episode: Episode) -> Float[np.ndarray, " 3"]:
    """The same in the axes of the first frame's camera."""
    if episode.depth is None or not episode.sidecar.is_3d:
        return PICTURE_UP
    points = _lower_half(episode)
    if len(points) < N_PIXELS // 10:
        return PICTURE_UP
    rng = np.random.default_rng(0)
    corners = points[rng.integers(len(points), size=(N_TRIALS, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    usable = lengths > 0
    normals, corners = normals[usable] / lengths[usable, None], corners[usable]
    normals *= np.where(normals @ PICTURE_UP < 0, -1.0, 1.0)[:, None]
    missed_m = np.abs(points @ normals.T - (corners[:, 0] * normals).sum(1))
    on_plane = missed_m < NEAR_SHARE * points[:, 2:]
    share = np.where(normals @ PICTURE_UP >= LEAST_COSINE, on_plane.mean(0), 0.0)
    if share.max(initial=0.0) < LEAST_SHARE:
        return PICTURE_UP
    return _fitted(points[on_plane[:, share.argmax()]], normals[share.argmax()])


def _lower_half(episode: Episode) -> Float[np.ndarray, "n 3"]:
    assert episode.depth is not None
    depth_m = np.asarray(episode.depth[0], np.float64)
    rows, columns = np.nonzero(np.isfinite(depth_m) & (depth_m > 0))
    lower = np.flatnonzero(rows >= depth_m.shape[0] // 2)
    lower = lower[:: max(1, len(lower) // N_PIXELS)]
    pixels = np.stack([columns[lower], rows[lower], depth_m[rows[lower], columns[lower]]], axis=1)
    return unproject(pixels.astype(np.float64), episode.intrinsics[0].astype(np.float64))


def _fitted(points: Float[np.ndarray, "n 3"], about: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"]:
    """The normal of the plane through all its points, on the side of `about`."""
    normal = np.linalg.svd(points - points.mean(0), full_matrices=False)[2][2]
    return normal if normal @ about > 0 else -normal
