"""Points that look followed and are not: they slide along an edge, or go where nothing near them goes.

    sliding   along a straight edge every place looks alike (aperture problem): the structure tensor of the
              patch has one large and one tiny eigenvalue. Such a point is harmless while it rests; if it
              claims to move it is dropped
    alone     whatever moves in a picture is larger than a patch. A point that moves and has no companions
              whose way over the same frames is alike follows a reflection, a shadow's rim or a mistake

Both judge motion in the picture without the camera's own.

Source
    Structure tensor and aperture problem: Shi and Tomasi 1994. Company: as in `refinding`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from mu0.traceextract.backends.interfaces import Keypoints

TENSOR_WINDOW, GRADIENT_WINDOW = 15, 3


@dataclass(frozen=True)
class StraySettings:
    """Limits, in pixels of a picture 640 px wide; found on the tuning clips."""

    min_corner: float = 0.05  # smaller over larger eigenvalue
    span: int = 4  # frames over which ways are compared
    company_px: float = 60.0
    same_px: float = 4.0  # nearer points are the same point, chosen twice: no company
    alike_px: float = 1.5
    alike_share: float = 0.2  # of the way, beside `alike_px`
    min_company: int = 2
    way_px: float = 3.0  # shorter ways are no motion
    max_alone: float = 0.3  # share of a track's moving spans


def corner_ratio(grey: UInt8[np.ndarray, "t h w"], keypoints: Keypoints) -> Float[np.ndarray, " n"]:
    """Smaller over larger eigenvalue of the structure tensor where each point was chosen: 0 on an edge."""
    found = np.zeros(len(keypoints.frame))
    for frame in np.unique(keypoints.frame):
        here = keypoints.frame == frame
        values = cv2.cornerEigenValsAndVecs(grey[frame], TENSOR_WINDOW, GRADIENT_WINDOW)[..., :2]
        column, row = np.rint(keypoints.pixel[here]).astype(int).T
        low, high = np.sort(values[row, column], axis=1).T
        found[here] = low / np.maximum(high, 1e-12)
    return found


def alone(
    pixel: Float[np.ndarray, "t n 2"],
    is_seen: Bool[np.ndarray, "t n"],
    scale: float,
    settings: StraySettings,
) -> tuple[Bool[np.ndarray, "t n"], Float[np.ndarray, " n"]]:
    """Where points move without company.

    Args:
        pixel: Positions without the camera's motion.
        is_seen: Where they are known.
        scale: Width of the picture over 640 px.
        settings: Limits.

    Returns:
        Frames all of whose moving spans are without company, and the share of such spans per point.
    """
    n_frames, n_points = is_seen.shape
    span = min(settings.span, n_frames - 1)
    lonely, moving = np.zeros((n_frames, n_points), int), np.zeros((n_frames, n_points), int)
    for frame in range(n_frames - span):
        both = np.flatnonzero(is_seen[frame] & is_seen[frame + span])
        start = pixel[frame, both].astype(np.float32)
        way = pixel[frame + span, both].astype(np.float32) - start
        length = np.hypot(way[:, 0], way[:, 1])
        goes = np.flatnonzero(length > settings.way_px * scale)
        limit = settings.alike_px * scale + settings.alike_share * length[goes]
        apart = _apart(start[goes], start)
        near = (apart > settings.same_px * scale) & (apart < settings.company_px * scale)
        company = (near & (_apart(way[goes], way) < limit[:, None])).sum(1)
        spans = slice(frame, frame + span + 1)
        moving[spans, both[goes]] += 1
        lonely[spans, both[goes]] += company < settings.min_company
    share = lonely.sum(0) / np.maximum(moving.sum(0), 1)
    return (lonely > 0) & (lonely == moving), share


def _apart(a: Float[np.ndarray, "n 2"], b: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "n m"]:
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
