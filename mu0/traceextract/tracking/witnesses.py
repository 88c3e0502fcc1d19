"""What moves: places that the depth camera sees through at another time.

A surface that is in one place now, while the camera looks *through* that place at another time, has moved.
This finds things before, while and after they move, from a moving camera too, and shadows and highlights do
not fool it; optical flow alone would follow them. Things that move along the line of sight are caught by
flow together with a change of depth.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from mu0.geometry.rigid import invert
from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.reconstruction.warp import Map, warp_pixels, warp_places

N_WITNESSES = 10  # other frames that are asked, evenly over the clip
MIN_WITNESSES = 2
MAX_GRID_WIDTH_PX = 160
DEPTH_MARGIN_M = 0.015  # beyond noise of depth (2 mm) and pose (5 mm)
EDGE_M = 0.03


@dataclass(frozen=True)
class Witnesses:
    """Frames that are asked what they see, and their depth without silhouettes and holes (0 there)."""

    frame: Int[np.ndarray, " k"]
    depth_m: Float32[np.ndarray, "k h w"]


def call_witnesses(reconstruction: Reconstruction) -> Witnesses | None:
    """`N_WITNESSES` frames, evenly over the clip; None without depth."""
    depth_m = reconstruction.depth_m
    if depth_m is None:
        return None
    frames = np.unique(np.linspace(0, len(depth_m) - 1, N_WITNESSES).round().astype(int))
    return Witnesses(frames, np.stack([_away_from_edges(depth_m[frame]) for frame in frames]))


def _away_from_edges(depth_m: Float[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Depth with silhouettes and holes set to 0."""
    depth = depth_m.astype(np.float32)
    square = np.ones((3, 3), np.uint8)
    is_smooth = cv2.dilate(depth, square) - cv2.erode(depth, square) < EDGE_M
    return np.where(is_smooth, depth, np.float32(0))


def depth_gaps(
    reconstruction: Reconstruction, frame: int, witnesses: Witnesses, step_px: int
) -> Float32[np.ndarray, "k h w"]:
    """How far behind the surface of `frame` each other witness sees [m]; NaN where it cannot tell.

    Every `step_px`-th pixel is asked. A witness from elsewhere cannot tell either if something nearer hides
    the place from it that `frame` sees too, or may see: that is parallax. If `frame` looks through where it
    is, it came there, and counts (a negative gap).
    """
    assert reconstruction.depth_m is not None
    poses = reconstruction.camera_from_world
    depth = np.ascontiguousarray(reconstruction.depth_m[frame, ::step_px, ::step_px], np.float32)
    margin_m = DEPTH_MARGIN_M + reconstruction.pose_slack_m
    others = np.flatnonzero(witnesses.frame != frame)
    moved = (poses[witnesses.frame] != poses[frame]).any()
    here = _away_from_edges(reconstruction.depth_m[frame]) if moved else depth
    gaps = np.empty((len(others), *depth.shape), np.float32)
    for gap, other in zip(gaps, others, strict=True):
        pose, testimony = poses[witnesses.frame[other]], witnesses.depth_m[other]
        if (pose == poses[frame]).all():
            measured, z = testimony[::step_px, ::step_px], depth
        else:
            motion = pose @ invert(poses[frame])
            u, v, z = warp_pixels(depth, reconstruction.intrinsics, motion, step_px)
            measured = _look_up(testimony, u, v)
            hides = (measured > 0) & (measured < z)
            nearer = np.where(hides, measured, np.float32(0))
            back = warp_places(u, v, nearer, reconstruction.intrinsics, invert(motion))
            measured[hides & ~_looks_through(here, *back, margin_m)] = 0
        gap[:] = np.where((measured > 0) & (depth > 0) & (z > 0), measured - z, np.float32(np.nan))
    return gaps


def _look_up(depth_m: Float[np.ndarray, "full_h full_w"], u: Map, v: Map) -> Map:
    """Depth at the nearest pixels; 0 outside."""
    found = cv2.remap(depth_m, u, v, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(found, np.float32)


def _looks_through(
    depth_m: Float[np.ndarray, "full_h full_w"], u: Map, v: Map, z: Map, margin_m: float
) -> Bool[np.ndarray, "h w"]:
    """Whether a frame sees places at pixels u, v and depth z empty: it sees something farther there."""
    with np.errstate(invalid="ignore"):
        empty: Bool[np.ndarray, "h w"] = (z > 0) & (_look_up(depth_m, u, v) > z + margin_m)
    return empty


def moved_mask(
    reconstruction: Reconstruction,
    frame: int,
    flow_moves: Bool[np.ndarray, "h w"],
    witnesses: Witnesses | None,
) -> Bool[np.ndarray, "h w"]:
    """Pixels of `frame` whose surface moves at some time of the clip.

    Args:
        reconstruction: Depth and camera path; without depth the answer is `flow_moves`.
        frame: The frame in question.
        flow_moves: Pixels that move by themselves right now, by optical flow.
        witnesses: From `call_witnesses`.
    """
    if witnesses is None:
        return flow_moves
    height, width = flow_moves.shape
    gaps = depth_gaps(reconstruction, frame, witnesses, max(1, width // MAX_GRID_WIDTH_PX))
    margin_m = DEPTH_MARGIN_M + reconstruction.pose_slack_m
    with np.errstate(invalid="ignore"):
        seen_through = (gaps > margin_m).sum(0) >= MIN_WITNESSES
        changed = (np.abs(gaps) > margin_m).sum(0) >= MIN_WITNESSES
    seen_through = _at_full_size(seen_through, height, width)
    return seen_through | (flow_moves & _at_full_size(changed, height, width))


def _at_full_size(mask: Bool[np.ndarray, "h w"], height: int, width: int) -> Bool[np.ndarray, "H W"]:
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return cv2.resize(opened, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
