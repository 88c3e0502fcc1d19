"""The pictures of an event that a model is shown, and that are kept beside its caption.

First and last frame always, the middle one where much happens, and a mask of what moves. No arrows or
traces are drawn into them. They are scaled down first: what is stored is what was sent.

Source
    reference/traceextract.md §4.1; its fault 40 is why full-size pictures are not uploaded.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8

from mu0.episodes.read import Episode
from mu0.traceextract.captions.evidence.event_cutting import Chunk
from mu0.traceextract.captions.evidence.moving_region import Region, draw_mask

LONG_FRAMES, FAR_PX = 30, 5.0  # from here on an event is shown with its middle frame
TINT, OPACITY = np.array([255, 64, 64]), 120 / 255


@dataclass(frozen=True)
class Picture:
    """A picture with the name under which a model is shown it.

    Attributes:
        label: FIRST_FRAME, MIDDLE_FRAME, LAST_FRAME, MOTION_MASK or OVERLAY (for people only).
        png: The file's bytes.
    """

    label: str
    png: bytes


def is_medium(chunk: Chunk, region: Region) -> bool:
    """Whether an event is so long and goes so far that its middle frame helps."""
    return chunk.length >= LONG_FRAMES and region.displacement_px >= FAR_PX


def event_pictures(episode: Episode, chunk: Chunk, region: Region, side_px: int) -> tuple[Picture, ...]:
    """All pictures of an event, the longer side at most `side_px`."""
    frames = {"FIRST_FRAME": chunk.start_idx}
    if is_medium(chunk, region):
        frames["MIDDLE_FRAME"] = (chunk.start_idx + chunk.end_idx) // 2
    frames["LAST_FRAME"] = chunk.end_idx
    pictures = [
        Picture(label, _png(_shrunk(np.asarray(episode.images[frame]), side_px)))
        for label, frame in frames.items()
    ]
    first = np.asarray(episode.images[chunk.start_idx])
    mask = draw_mask(region.points_px, *episode.size_px)
    shown = np.where(mask[..., None] > 0, first * (1 - OPACITY) + TINT * OPACITY, first).astype(np.uint8)
    pictures.append(Picture("MOTION_MASK", _png(_shrunk(mask, side_px))))
    pictures.append(Picture("OVERLAY", _png(_shrunk(shown, side_px))))
    return tuple(pictures)


def _shrunk(image: UInt8[np.ndarray, "..."], side_px: int) -> UInt8[np.ndarray, "..."]:
    height, width = image.shape[:2]
    share = side_px / max(height, width)
    if share >= 1:
        return image
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _png(image: UInt8[np.ndarray, "..."]) -> bytes:
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", bgr)
    assert done
    return encoded.tobytes()
