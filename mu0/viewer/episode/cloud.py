"""The cloud of a frame for its page: every n-th pixel's depth, without the points that silhouettes invent."""

import base64
import zlib
from typing import Any

import numpy as np
from jaxtyping import Float, Int

EDGE_SHARE = 0.025  # of the depth: what leaves the plane of its neighbours by more is a silhouette
MAX_DEPTH_MM = 65535
ZLIB_LEVEL = 6


def clean_depth_mm(depth_m: Float[np.ndarray, "h w"]) -> Int[np.ndarray, "h w"]:
    """Whole millimetres; 0 where nothing is known and along silhouettes, where depth cameras invent points.

    On a plane, seen at whatever angle, 1 / z is linear in the pixels, so silhouettes are where it bends.
    """
    depth = np.nan_to_num(depth_m.astype(np.float32), posinf=0.0, neginf=0.0)
    millimetres = np.rint(depth * 1000)
    is_good = (millimetres > 0) & (millimetres <= MAX_DEPTH_MM)
    inverse = np.where(is_good, 1 / np.maximum(depth, 1e-3), 0)
    for before, here, after in (_neighbours(inverse, 0), _neighbours(inverse, 1)):
        known = (before > 0) & (after > 0)
        is_good &= ~known | (np.abs(before + after - 2 * here) < EDGE_SHARE * here)
    return np.where(is_good, millimetres, 0).astype(np.int64)


def _neighbours(image: Float[np.ndarray, "h w"], axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels before, here and after along an axis; nothing is known outside the picture."""
    padded = np.pad(image, [(1, 1) if axis == number else (0, 0) for number in range(2)], mode="constant")
    n = image.shape[axis]
    before, after = (padded.take(range(start, start + n), axis) for start in (0, 2))
    return before, image, after


def pack_cloud(depth_m: Float[np.ndarray, "h w"], width_px: int) -> dict[str, Any]:
    """Depth of every n-th pixel, at most `width_px` in a row, each row as differences."""
    step = cloud_step(depth_m.shape[1], width_px)
    first = step // 2
    depth = clean_depth_mm(depth_m)[first::step, first::step]
    differences = np.diff(depth, axis=1, prepend=0).astype("<u2")  # wraps around, and so does the page
    height, width = depth.shape
    return {"width": width, "height": height, "step": step, "first": first, "mm": packed_array(differences)}


def cloud_step(width_px: int, most_px: int) -> int:
    """Every how many pixels a cloud takes one."""
    return -(-width_px // most_px)


def packed_array(array: np.ndarray) -> str:
    """Bytes of an array as base64 of zlib."""
    raw = np.ascontiguousarray(array).tobytes()
    return base64.b64encode(zlib.compress(raw, ZLIB_LEVEL)).decode("ascii")
