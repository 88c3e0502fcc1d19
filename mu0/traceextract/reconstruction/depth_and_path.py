"""Depth and camera path from what the source has; nothing is invented.

    depth, intrinsics, poses   used as given
    depth, intrinsics          poses by RGB-D odometry (`odometry`)
    anything less              2-D only: pixel traces, z masked, and a note that says why

Damaged depth (all zero, NaN, mostly missing) counts as no depth.
"""

import numpy as np
from jaxtyping import Float

from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.reconstruction.odometry import estimate_path

MIN_DEPTH_SHARE = 0.05  # of all pixels, in the median frame
MAX_DEPTH_M = 20.0
MAX_LOST_SHARE = 0.3
ASSUMED_FOCAL_SHARE = 1.0  # of the width: a 53 degree lens; scales nothing, for 2-D traces stay in pixels


def reconstruct_rgbd(footage: Footage) -> Reconstruction:
    """Reconstruct from measured depth, or fall back to 2-D with a note."""
    if footage.depth_m is None:
        return pixels_only(footage, "the video has no depth")
    if footage.intrinsics is None:
        return pixels_only(footage, "the camera's intrinsics are unknown")
    depth_m = footage.keep("clean_depth", (clean_depth(image) for image in footage.depth_m))
    share = float(np.median([(image > 0).mean() for image in depth_m]))
    if share < MIN_DEPTH_SHARE:
        return pixels_only(footage, f"only {share:.0%} of the depth pixels are usable")
    if footage.camera_from_world is not None:
        return Reconstruction(depth_m, footage.intrinsics, footage.camera_from_world, "given")
    path = estimate_path(footage.grey, depth_m, footage.intrinsics)
    lost = float(path.is_lost.mean())
    if lost > MAX_LOST_SHARE:
        return pixels_only(footage, f"the camera path was lost in {lost:.0%} of the frames")
    note = ""
    if path.is_lost.any():
        again = "recognised later" if path.is_recognised.any() else "not recognised again"
        note = f"camera path lost in {int(path.is_lost.sum())} frames, {again}"
    return Reconstruction(
        depth_m,
        footage.intrinsics,
        path.camera_from_world,
        "odometry",
        note,
        path.residual_px,
        path.report(),
    )


def clean_depth(depth_m: Float[np.ndarray, "*t h w"]) -> Float[np.ndarray, "*t h w"]:
    """Depth in which everything unusable is 0: NaN, infinite, negative, absurdly far."""
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(depth_m) & (depth_m > 0) & (depth_m < MAX_DEPTH_M)
    return np.where(usable, depth_m, 0).astype(np.float32)


def pixels_only(footage: Footage, why: str) -> Reconstruction:
    """A reconstruction without metres."""
    width, height = footage.image_size_px
    intrinsics = footage.intrinsics
    if intrinsics is None:
        focal = ASSUMED_FOCAL_SHARE * width
        intrinsics = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
    poses = np.tile(np.eye(4), (len(footage.frames), 1, 1))
    return Reconstruction(None, intrinsics, poses, "none", f"2-D only: {why}")
