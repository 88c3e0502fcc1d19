"""Traces drawn on their picture: violet is now, red is the end.

The picture is faded so that the colours speak, and enlarged so that thin lines stay sharp on small images.
Traces of keypoints that are not likely to move are faded, too: what stands out is what moves.

Source
    Colours and fading as in the official renderer (reference/mu0.md §7): hue .75 (1 - position), saturation
    .9, value .95; stills are blended with light grey.
"""

import colorsys
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from mu0.files import atomic_file

SMALLEST_WIDTH_PX = 640
BACKGROUND = 235
FADE = 0.5
SUBPIXEL_BITS = 4
FAINTEST = 0.15  # opacity of what surely rests: to be seen, not to be looked at
OPACITY_LEVELS = 8  # each is blended once
LIMIT_PX = 30_000  # OpenCV draws wrong lines when coordinates overflow


def trace_colour(position: float) -> tuple[int, int, int]:
    """RGB of a place along the trace; 0 is the anchor, 1 the end."""
    red, green, blue = colorsys.hsv_to_rgb(0.75 * (1 - position), 0.9, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_traces(
    image: UInt8[np.ndarray, "h w 3"],
    uvz: Float[np.ndarray, "q step 3"],
    valid: Bool[np.ndarray, "q step"] | None = None,
    moves: Float[np.ndarray, " q"] | None = None,
) -> UInt8[np.ndarray, "big_h big_w 3"]:
    """The picture with one line per keypoint.

    Args:
        image: RGB.
        uvz: Absolute uvz; only u and v are drawn, parts outside the picture are cut.
        valid: Steps to draw; a segment needs both ends. All by default.
        moves: Probability that a keypoint moves: the smaller, the fainter its trace. All full by default.
    """
    height, width = image.shape[:2]
    scale = max(1, round(SMALLEST_WIDTH_PX / width))
    big = cv2.resize(image, (width * scale, height * scale), interpolation=cv2.INTER_CUBIC)
    canvas = (big * (1 - FADE) + BACKGROUND * FADE).astype(np.uint8)
    pixels = (uvz[..., :2].astype(np.float64) + 1) / 2 * (width * scale, height * scale)
    shown = np.isfinite(pixels).all(-1) & (np.abs(pixels) < LIMIT_PX).all(-1)
    shown &= True if valid is None else valid
    points = np.round(np.where(shown[..., None], pixels, 0) * 2**SUBPIXEL_BITS).astype(np.int32)
    thickness = max(1, round(width * scale / 400))
    if moves is None:
        _draw(canvas, points, shown, thickness)
        return canvas
    levels = np.rint(np.clip(moves, 0, 1) * (OPACITY_LEVELS - 1)).astype(int)
    for level in np.unique(levels):  # the likeliest last, above all others
        drawn = canvas.copy()
        _draw(drawn, points, shown & (levels == level)[:, None], thickness)
        opacity = opacity_of(level / (OPACITY_LEVELS - 1))
        canvas = cv2.addWeighted(drawn, opacity, canvas, 1 - opacity, 0.0)
    return canvas


def opacity_of(moves: float) -> float:
    """How strongly the trace of a keypoint is drawn that moves with this probability."""
    return FAINTEST + (1 - FAINTEST) * moves


def _draw(
    canvas: UInt8[np.ndarray, "big_h big_w 3"],
    points: Int[np.ndarray, "q step 2"],
    shown: Bool[np.ndarray, "q step"],
    thickness: int,
) -> None:
    """Lines and anchors of all keypoints, in fixed-point pixels."""
    n_steps = points.shape[1]
    for step in range(n_steps - 1):
        colour = trace_colour((step + 1) / max(n_steps - 1, 1))
        for q in np.flatnonzero(shown[:, step] & shown[:, step + 1]):
            start, end = points[q, step].tolist(), points[q, step + 1].tolist()
            cv2.line(canvas, start, end, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    for q in np.flatnonzero(shown[:, 0]) if n_steps else ():
        centre = points[q, 0].tolist()
        radius = (thickness + 1) << SUBPIXEL_BITS
        cv2.circle(canvas, centre, radius, trace_colour(0.0), cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)


def write_overlay(
    goal: Path,
    image: UInt8[np.ndarray, "h w 3"],
    uvz: Float[np.ndarray, "q step 3"],
    valid: Bool[np.ndarray, "q step"] | None = None,
    moves: Float[np.ndarray, " q"] | None = None,
) -> None:
    """Write `draw_traces` as a PNG file."""
    write_png(goal, draw_traces(image, uvz, valid, moves))


def side_by_side(panels: dict[str, UInt8[np.ndarray, "h w 3"]]) -> UInt8[np.ndarray, "big_h big_w 3"]:
    """Panels of equal size in a row, each with its name above it."""
    titled = []
    for name, panel in panels.items():
        bar = np.full((28, panel.shape[1], 3), 255, np.uint8)
        cv2.putText(bar, name, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (40, 40, 40), 1, cv2.LINE_AA)
        titled.append(np.vstack([bar, panel]))
    return np.hstack(titled)


def write_png(goal: Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write an RGB image in one step."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    with atomic_file(goal) as temporary:
        temporary.write_bytes(encoded.tobytes())
