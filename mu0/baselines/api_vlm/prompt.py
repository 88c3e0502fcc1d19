"""The question to a chat model: a picture with numbered rings, and the keypoints as whole numbers.

Conventions
    coordinates  whole numbers 0..1000 over the width and the height of the picture, (0, 0) top left
    steps        of equal path length, not of equal time; the first comes after the shown moment

Source
    reference/mu0.md §7, baselines GPT / Gemini; the words are ours, the original script does not run.
"""

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from mu0.dataset.depth_colour import MIN_DEPTH_M, colour_depth
from mu0.records import Observation, Queries
from mu0.traceextract.captions.captioners.interfaces import Prompt
from mu0.traceextract.captions.evidence.pictures import Picture

GRID = 1000
UNCAPTIONED = "not told; guess it from the picture"
SYSTEM = (
    "You predict how points on objects, robots and hands will move. "
    "Answer with one JSON object and nothing else."
)
RING_SHARE, LETTER_SHARE = 0.012, 0.0009  # of the longer side


def grid_from_uv(uv: Float[np.ndarray, "*batch 2"]) -> Int[np.ndarray, "*batch 2"]:
    """u, v in [-1, 1] -> whole numbers 0..1000."""
    return np.rint((uv + 1) / 2 * GRID).astype(np.int64)


def uv_from_grid(grid: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
    """The way back."""
    return grid / GRID * 2 - 1


def question(
    observation: Observation, queries: Queries, future_len: int, side_px: int, *, use_depth: bool
) -> Prompt:
    """One prompt about one moment.

    Args:
        observation: What is seen; depth is shown only if `use_depth`.
        queries: Keypoints; their past is listed if it is given.
        future_len: Steps asked for.
        side_px: Longer side of the picture that is sent.
        use_depth: Whether a depth image, if there is one, goes along.
    """
    shown = _sized(observation.image, side_px)
    parts: list[str | Picture] = [
        "The picture shows a moment of a recording. Numbered rings mark keypoints.",
        Picture("KEYPOINTS", _png(draw_rings(shown, queries.anchor_uvz[:, :2]))),
    ]
    if use_depth and observation.depth_m is not None:
        parts += [
            "The same moment as depth: red is near, blue is far.",
            _depth_picture(observation.depth_m, side_px),
        ]
    parts.append(_request(observation.instruction, queries, future_len))
    return Prompt(SYSTEM, tuple(parts))


def draw_rings(image: UInt8[np.ndarray, "h w 3"], uv: Float[np.ndarray, "q 2"]) -> UInt8[np.ndarray, "h w 3"]:
    """A ring with its number, counted from 0, around every keypoint."""
    height, width = image.shape[:2]
    drawn = np.ascontiguousarray(image.copy())
    radius = max(3, round(RING_SHARE * max(height, width)))
    for number, (u, v) in enumerate(uv):
        centre = (round((u + 1) / 2 * width), round((v + 1) / 2 * height))
        hue = _colour(number)
        cv2.circle(drawn, centre, radius, hue, 2, cv2.LINE_AA)
        corner = (centre[0] + radius + 1, centre[1] - radius)
        scale = LETTER_SHARE * max(height, width)
        cv2.putText(drawn, str(number), corner, cv2.FONT_HERSHEY_SIMPLEX, scale, hue, 1, cv2.LINE_AA)
    return drawn


def _request(instruction: str, queries: Queries, future_len: int) -> str:
    """The words below the pictures."""
    anchors = grid_from_uv(queries.anchor_uvz[:, :2])
    lines = [
        f"Task: {instruction.strip() or UNCAPTIONED}",
        f"Coordinates are whole numbers [u, v] from 0 to {GRID}: u to the right, v downwards, [0, 0] is the "
        f"top left and [{GRID}, {GRID}] the bottom right corner.",
        "Keypoints now:",
        *(f"  id {number}: [{u}, {v}]" for number, (u, v) in enumerate(anchors)),
    ]
    if queries.history_uvz is not None and queries.history_uvz.shape[1]:
        lines += ["Where they were before, oldest first (null: unknown):", *_past(queries.history_uvz)]
    lines += [
        f"Where does each keypoint go while the task is carried out? Give {future_len} positions per "
        "keypoint, evenly spaced along the path (not in time), the first one right after this moment. Points "
        "on the same rigid thing move together; a point that rests repeats its position.",
        f'Answer with JSON only: {{"trajectories": [{{"id": 0, "future": [[u, v], ... {future_len} pairs]}}, '
        f"...]}}, one entry for each of the {len(anchors)} ids.",
    ]
    return "\n".join(lines)


def _past(history_uvz: Float[np.ndarray, "q past 3"]) -> list[str]:
    rows = []
    for number, past in enumerate(history_uvz[..., :2]):
        places = [str(grid_from_uv(place).tolist()) if np.isfinite(place).all() else "null" for place in past]
        rows.append(f"  id {number}: [{', '.join(places)}]")
    return rows


def _depth_picture(depth_m: Float[np.ndarray, "h w"], side_px: int) -> Picture:
    measured = depth_m[np.isfinite(depth_m) & (depth_m > MIN_DEPTH_M)]
    near, far = np.percentile(measured, [1, 99]) if measured.size else (0.5, 2.0)
    coloured = colour_depth(depth_m, (float(np.log(near)), float(np.log(max(far, near * 1.01)))))
    return Picture("DEPTH", _png(_sized((coloured * 255).astype(np.uint8), side_px)))


def _sized(image: UInt8[np.ndarray, "h w 3"], side_px: int) -> UInt8[np.ndarray, "h2 w2 3"]:
    """The longer side at `side_px`: small pictures grow, so that numbers can be read."""
    height, width = image.shape[:2]
    share = side_px / max(height, width)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    filter_kind = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    return np.asarray(
        cv2.resize(np.ascontiguousarray(image), size, interpolation=filter_kind), dtype=np.uint8
    )


def _colour(number: int) -> tuple[int, int, int]:
    """Neighbouring numbers get colours far apart (golden angle)."""
    hsv = np.array([[[int(number * 0.381966 * 180) % 180, 230, 255]]], dtype=np.uint8)
    red, green, blue = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    return int(red), int(green), int(blue)


def _png(image: UInt8[np.ndarray, "h w 3"]) -> bytes:
    done, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done
    return encoded.tobytes()
