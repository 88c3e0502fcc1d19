"""How far the joints of a hand are from the camera: from the depth image where it sees them.

A landmarker tells depth within a hand only, in pixels of the picture relative to the wrist. If the hand is
`z` metres away a pixel is `z / focal` metres wide there, so one number places the whole hand: the median over
its joints of what the depth image says there. A joint whose measured depth agrees with that keeps its
measurement (the skin in front of it); another one (hidden by what the hand holds, at a hole, beside a
silhouette) gets its place in the hand's shape, and is flagged so. With too few agreeing joints a hand has no
metres in that frame.
"""

import numpy as np
from jaxtyping import Float, Float32, UInt8

from mu0.episodes.hand_skeletons import FROM_IMAGE, FROM_SHAPE, RELATIVE
from mu0.traceextract.tracking.lifting import sample_depth

AGREES_M = 0.05
MIN_JOINTS = 6


def joint_depth(
    landmarks: Float32[np.ndarray, "t 21 3"],
    depth_m: Float[np.ndarray, "t h w"],
    focal_px: float,
) -> tuple[Float32[np.ndarray, "t 21"], UInt8[np.ndarray, "t 21"]]:
    """Depth [m] of every joint, NaN where unknown, and where it is from (`mu0.episodes.hand_skeletons`).

    Args:
        landmarks: Of one hand; NaN where it does not live.
        depth_m: Of the same frames; 0 where missing.
        focal_px: Of the camera.
    """
    height, width = depth_m.shape[1:]
    pixel, relative_px = landmarks[..., :2].astype(np.float64), landmarks[..., 2].astype(np.float64)
    with np.errstate(invalid="ignore"):
        inside = (pixel >= 0).all(-1) & (pixel <= (width - 1, height - 1)).all(-1)
    measured = np.where(inside, sample_depth(depth_m, pixel), 0).astype(np.float64)
    known = measured > 0
    # measured = z + relative * z / focal, with z the wrist's depth
    wrist_m = np.where(known, measured / np.maximum(1 + relative_px / focal_px, 0.1), np.nan)
    found = np.full(measured.shape, np.nan, np.float32)
    source = np.full(measured.shape, RELATIVE, np.uint8)
    for frame in np.flatnonzero(known.sum(1) >= MIN_JOINTS):
        middle_m = float(np.nanmedian(wrist_m[frame]))
        shape_m = middle_m * (1 + relative_px[frame] / focal_px)
        agrees = known[frame] & (np.abs(measured[frame] - shape_m) < AGREES_M)
        if agrees.sum() < MIN_JOINTS:
            continue
        found[frame] = np.where(agrees, measured[frame], shape_m)
        source[frame] = np.where(agrees, FROM_IMAGE, FROM_SHAPE)
    return found, source
