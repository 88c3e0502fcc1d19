"""Scores of real clips against outlines that were drawn once by eye (`tests/data/real_clips.json`).

    explained     share of the moving area of a kind (hand, object, robot) in whose patch or the next one
                  (16 x 16 patches, as in the quality row) a living, seen, moving trace lies, on a thing of
                  that kind that moves
    near          the same within `NEAR_PX` of such a trace: stricter by far
    false_movers  share of living, seen, moving traces that lie farther than `RIM_PX` from whatever may move

Lengths in pixels of a picture 640 px wide.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mu0.traceextract.keypoints.coverage import GRID, covered_patches
from mu0.traceextract.tracking.world_tracks import WorldTracks

OUTLINES = Path(__file__).resolve().parents[1] / "tests" / "data" / "real_clips.json"
KINDS = ("hand", "object", "robot")
NEAR_PX, RIM_PX, WIDTH_PX = 24.0, 8.0, 640.0


@dataclass(frozen=True)
class Outlined:
    """One clip's outlines: where its file lies below the data folder, and what was drawn, by kept frame."""

    path: str
    size_px: tuple[int, int]
    n_kept: int
    frames: dict[int, list[dict[str, object]]]


def read_outlines(path: Path = OUTLINES) -> dict[str, Outlined]:
    """All outlined clips by name."""
    content = json.loads(path.read_text(encoding="utf-8"))["clips"]
    return {
        name: Outlined(
            clip["path"],
            tuple(clip["size_px"]),
            clip["n_kept"],
            {int(frame): things for frame, things in clip["frames"].items()},
        )
        for name, clip in content.items()
    }


def masks(
    things: list[dict[str, object]], size_px: tuple[int, int]
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What moves in a frame, by kind, and whatever may move; later outlines lie before earlier ones."""
    width, height = size_px
    moving = {kind: np.zeros((height, width), np.uint8) for kind in KINDS}
    may_move = np.zeros((height, width), np.uint8)
    for thing in things:
        outline = [np.array(thing["outline_px"], np.int32)]
        cv2.fillPoly(may_move, outline, 1)
        for kind, mask in moving.items():
            cv2.fillPoly(mask, outline, int(thing["kind"] == kind and thing["moves"] is True))
    return {kind: mask.astype(bool) for kind, mask in moving.items()}, may_move.astype(bool)


def score(outlined: Outlined, tracks: WorldTracks) -> dict[str, float | int]:
    """The scores of the module text over all outlined frames of a clip."""
    width, height = outlined.size_px
    scale = width / WIDTH_PX
    row, column = (np.arange(size) * GRID // size for size in (height, width))
    area, explained, near = (dict.fromkeys(KINDS, 0) for _ in range(3))
    n_seen, n_false = 0, 0
    for frame, things in outlined.frames.items():
        moving, may_move = masks(things, outlined.size_px)
        alive = tracks.visible[frame] & tracks.is_moving
        if tracks.lives is not None:
            alive &= tracks.lives[frame]
        pixel = tracks.uv_px[frame][alive].astype(np.float64)
        x, y = np.rint(pixel).astype(int).T
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        pixel, x, y = pixel[inside], x[inside], y[inside]
        n_seen += len(pixel)
        n_false += int((_distance_px(may_move)[y, x] > RIM_PX * scale).sum())
        for kind, mask in moving.items():
            on_it = pixel[_distance_px(mask)[y, x] <= RIM_PX * scale] if mask.any() else pixel[:0]
            patches = covered_patches(on_it, np.ones(len(on_it), bool), (width, height), (GRID, GRID))
            places = np.zeros_like(mask)
            places[np.rint(on_it[:, 1]).astype(int), np.rint(on_it[:, 0]).astype(int)] = True
            area[kind] += int(mask.sum())
            explained[kind] += int((mask & patches[row[:, None], column]).sum())
            near[kind] += int((mask & (_distance_px(places) <= NEAR_PX * scale)).sum())
    found: dict[str, float | int] = {"n_traces_seen": n_seen, "false_movers": n_false / max(1, n_seen)}
    for kind in KINDS:
        if area[kind]:
            found[f"{kind}_explained"] = explained[kind] / area[kind]
            found[f"{kind}_near"] = near[kind] / area[kind]
    return found


def _distance_px(mask: np.ndarray) -> np.ndarray:
    """Distance of every pixel from a mask; 0 inside, far if the mask is empty."""
    if not mask.any():
        return np.full(mask.shape, 1e6, np.float32)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
