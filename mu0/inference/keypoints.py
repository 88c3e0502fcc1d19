"""Which points to ask about: given ones, a grid, or some on every thing that the picture's patches form.

Conventions
    pixel   x right, y down; u = 2 x / W - 1, v = 2 y / H - 1 (docs/conventions.md)
    z       measured where there is depth; the median of the measured ones where a point has none;
            `ANCHOR_DEPTH_M` without any: such traces are right up to the anchor's distance

Entities
    Patches of one picture by colour, texture and (if measured) depth, clustered together with their place
    (`mu0.traceextract.keypoints.placement`). Every entity gets points in proportion to the root of its
    area, at least one: small things matter more than their size says.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from mu0.errors import PredictionError
from mu0.inference.limits import MAX_KEYPOINTS
from mu0.traceextract.backends.interfaces import PatchFeatures
from mu0.traceextract.keypoints.descriptors import describe_patches
from mu0.traceextract.keypoints.entities import entities_of_patches
from mu0.traceextract.keypoints.spread import spread_points

GRID_MARGIN = 0.9  # the outermost 5 % on each side say little
ANCHOR_DEPTH_M = 1.0
PATCH_ROWS = 24  # along the shorter side
RIM = np.ones((5, 5), np.uint8)


def grid_points(side: int, size_px: tuple[int, int]) -> Float[np.ndarray, "q 2"]:
    """Pixels of `side` rows and columns, row by row, away from the border; `size_px` is (width, height)."""
    line = (np.linspace(-GRID_MARGIN, GRID_MARGIN, side) + 1) / 2
    return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2) * np.array(size_px)


def parse_keypoints(text: str, width_px: int, height_px: int) -> Float[np.ndarray, "q 2"]:
    """'x,y x,y …' -> pixels.

    Raises:
        PredictionError: A pair is not two numbers, or lies outside the picture, or there are too many.
    """
    points, pairs = [], text.split()
    if len(pairs) > MAX_KEYPOINTS:
        raise PredictionError(
            f"There are {len(pairs)} keypoints.",
            expected=f"at most {MAX_KEYPOINTS} for one picture",
            remedy="ask in several calls.",
        )
    for pair in pairs:
        try:
            x_px, y_px = (float(number) for number in pair.split(","))
        except ValueError:
            raise PredictionError(
                f"The keypoint {pair!r} is not two numbers.",
                expected="x,y in pixels, e.g. '64,80 90,40'",
                remedy="correct it.",
            ) from None
        if not (0 <= x_px <= width_px and 0 <= y_px <= height_px):
            raise PredictionError(
                f"The keypoint {pair!r} lies outside the picture.",
                expected=f"0 <= x <= {width_px} and 0 <= y <= {height_px}",
                remedy="give pixels of the picture itself.",
            )
        points.append((x_px, y_px))
    return np.array(points, float).reshape(-1, 2)


def entity_points(
    image: UInt8[np.ndarray, "h w 3"],
    depth_m: Float[np.ndarray, "h w"] | None,
    n_entities: int,
    n_points: int,
    seed: int,
) -> Float[np.ndarray, "q 2"]:
    """Pixels on all entities of one picture, about `n_points` of them, corners first."""
    height, width = image.shape[:2]
    patch_px = min(height, width) / PATCH_ROWS
    rows, columns = max(2, round(height / patch_px)), max(2, round(width / patch_px))
    still = np.zeros((height, width, 2), np.float32)
    descriptors = describe_patches(image, depth_m, still, rows, columns)
    features = PatchFeatures(np.zeros(1, int), descriptors[None], np.zeros((1, height, width), bool))
    labels = entities_of_patches(features, n_entities, seed)[0].astype(np.uint8)
    entity = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    return points_on([entity == label for label in np.unique(labels)], image, n_points, seed)


def points_on(
    masks: Sequence[Bool[np.ndarray, "h w"]], image: UInt8[np.ndarray, "h w 3"], n_points: int, seed: int
) -> Float[np.ndarray, "q 2"]:
    """About `n_points` pixels inside the masks, at least one in each, away from rims if there is an inside.

    Raises:
        PredictionError: The masks are empty.
    """
    masks = [mask for mask in masks if mask.any()]
    if not masks:
        raise PredictionError(
            "There is nothing in the picture to put keypoints on.",
            expected="at least one region of one pixel",
            remedy="name something that is to be seen, or give points with --points.",
        )
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    root = np.sqrt([mask.sum() for mask in masks])
    counts = np.maximum(1, np.round(n_points * root / root.sum())).astype(int)
    return np.concatenate(
        [
            spread_points(grey, _inside(mask), int(count), seed)
            for mask, count in zip(masks, counts, strict=True)
        ]
    )


def _inside(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    inside = cv2.erode(mask.astype(np.uint8), RIM, borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(bool)
    return inside if inside.any() else mask


def lift(
    points_px: Float[np.ndarray, "q 2"],
    size_px: tuple[int, int],
    depth_m: Float[np.ndarray, "h w"] | None = None,
) -> Float32[np.ndarray, "q 3"]:
    """Pixels -> (u, v, z); NaN stays NaN."""
    uv = 2 * points_px / np.array(size_px) - 1
    z_m = np.full(len(points_px), ANCHOR_DEPTH_M)
    if depth_m is not None and (depth_m > 0).any() and len(points_px):
        column, row = np.clip(np.nan_to_num(points_px).astype(int), 0, np.array(size_px) - 1).T
        seen_m = depth_m[row, column]
        known = seen_m > 0
        z_m = np.where(known, seen_m, np.median(seen_m[known]) if known.any() else ANCHOR_DEPTH_M)
    return np.concatenate([uv, z_m[:, None]], axis=1).astype(np.float32)
