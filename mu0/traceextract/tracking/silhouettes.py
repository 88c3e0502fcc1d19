"""Beside a silhouette: a pixel belongs to the side that its own depth says.

What moves is found on a coarse grid and with optical flow, which spills over silhouettes by some pixels. A
point chosen on the spilled rim lies on the table beside the box, looks like a mover, and its track, whose
window holds a piece of the box, rides away with it. So every pixel of the rim, and every pixel on the far
side of a depth edge, is asked by itself: is its own place, at its own depth, seen through at another time? If
it is not, it rests. Things that are nothing but rim, and are found by flow alone, stay whole.
"""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from mu0.geometry.rigid import invert
from mu0.traceextract.backends.interfaces import Reconstruction
from mu0.traceextract.tracking.witnesses import DEPTH_MARGIN_M, EDGE_M, MIN_WITNESSES, Witnesses

REACH_SHARE = 0.0125  # of the width: how far grid and flow spill over a silhouette
MIN_REACH_PX = 2
FAR_M = 1e3


def on_own_side(
    moves: Bool[np.ndarray, "h w"], reconstruction: Reconstruction, frame: int, witnesses: Witnesses | None
) -> Bool[np.ndarray, "h w"]:
    """The pixels of `moves` whose own surface moves; all of them without depth.

    Args:
        moves: Pixels that move, silhouettes not exact (`moved_mask`).
        reconstruction: Depth and camera path.
        frame: The frame in question.
        witnesses: From `call_witnesses`.
    """
    if witnesses is None or not moves.any():
        return moves
    assert reconstruction.depth_m is not None
    reach_px = max(MIN_REACH_PX, round(REACH_SHARE * moves.shape[1]))
    around = _around(moves, 3 * reach_px)
    near, depth_m = moves[around], np.asarray(reconstruction.depth_m[frame][around], np.float32)
    square = np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)
    inside = cv2.erode(near.astype(np.uint8), square)
    is_small = near & ~cv2.dilate(inside, square, iterations=2).astype(bool)
    nearest = cv2.erode(np.where(depth_m > 0, depth_m, np.float32(FAR_M)), square)
    is_far_side = near & (depth_m > nearest + EDGE_M)
    asked = (near & ~inside.astype(bool)) | is_far_side
    row, column = np.nonzero(asked)
    empty = seen_through(reconstruction, frame, row + around[0].start, column + around[1].start, witnesses)
    own = moves.copy()
    own[around] = (near & ~asked) | (is_small & ~is_far_side)
    own[around][row[empty], column[empty]] = True
    return own


def _around(mask: Bool[np.ndarray, "h w"], margin_px: int) -> tuple[slice, slice]:
    """Rows and columns with all of `mask`, and so many more."""
    spans = []
    for axis, size in enumerate(mask.shape):
        found = np.flatnonzero(mask.any(axis=1 - axis))
        spans.append(slice(max(0, found[0] - margin_px), min(size, found[-1] + 1 + margin_px)))
    return spans[0], spans[1]


def seen_through(
    reconstruction: Reconstruction,
    frame: int,
    row: Int[np.ndarray, " n"],
    column: Int[np.ndarray, " n"],
    witnesses: Witnesses,
) -> Bool[np.ndarray, " n"]:
    """Pixels of `frame` whose place enough witnesses see empty, at other times."""
    assert reconstruction.depth_m is not None
    poses = reconstruction.camera_from_world
    depth_m = np.asarray(reconstruction.depth_m[frame], np.float32)[row, column]
    margin_m = DEPTH_MARGIN_M + reconstruction.pose_slack_m
    is_empty = np.zeros(len(row), bool)
    left = np.flatnonzero(depth_m > 0)  # not yet seen through often enough
    row, column = row[left], column[left]
    x, y, z = _lifted(row, column, depth_m[left], reconstruction.intrinsics)
    count = np.zeros(len(left), int)
    for other, testimony in zip(witnesses.frame, witnesses.depth_m, strict=True):
        if other == frame or len(left) == 0:
            continue
        if (poses[other] == poses[frame]).all():
            count += testimony[row, column] > z + margin_m
        else:
            motion = poses[other] @ invert(poses[frame])
            count += _gap_m((x, y, z), testimony, motion, reconstruction.intrinsics) > margin_m
        is_asked = count < MIN_WITNESSES
        is_empty[left[~is_asked]] = True
        left, row, column, x, y, z, count = (each[is_asked] for each in (left, row, column, x, y, z, count))
    return is_empty


def _lifted(
    row: Int[np.ndarray, " n"],
    column: Int[np.ndarray, " n"],
    z: Float[np.ndarray, " n"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Pixels with depth as points in their camera's frame [m]."""
    (focal_x, focal_y), centre = np.diag(intrinsics)[:2], intrinsics[:2, 2]
    x, y = (column - centre[0]) / focal_x * z, (row - centre[1]) / focal_y * z
    return x.astype(np.float32), y.astype(np.float32), z


def _gap_m(
    points: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " n"]],
    testimony: Float[np.ndarray, "h w"],
    motion: Float[np.ndarray, "4 4"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> Float[np.ndarray, " n"]:
    """How far behind each point another camera sees something [m]; negative where it cannot tell.

    Sums are written out, so that the answer about one point does not depend on which others are asked.
    """
    (focal_x, focal_y), centre = np.diag(intrinsics)[:2], intrinsics[:2, 2]
    turn, shift = motion[:3, :3].astype(np.float32), motion[:3, 3].astype(np.float32)
    x, y, z = (
        a * points[0] + b * points[1] + c * points[2] + d for (a, b, c), d in zip(turn, shift, strict=True)
    )
    ahead = z > 0
    depth = np.where(ahead, z, np.float32(1))
    u = np.rint(x / depth * np.float32(focal_x) + np.float32(centre[0])).astype(np.int32)
    v = np.rint(y / depth * np.float32(focal_y) + np.float32(centre[1])).astype(np.int32)
    height, width = testimony.shape
    ahead &= (u >= 0) & (u < width) & (v >= 0) & (v < height)
    measured = testimony[np.where(ahead, v, 0), np.where(ahead, u, 0)]
    return np.where(ahead & (measured > 0), measured - z, np.float32(-1))
