"""From pixels with depth to places in the world, and back."""

import numpy as np
from jaxtyping import Bool, Float

from mu0.traceextract.backends.interfaces import PixelTracks


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
