"""The patches of an image, and which of them are followed by points already.

Later windows add points only where nothing is followed.

A point covers its patch and the eight around it while it is seen and lies in the image. A point outside
covers nothing: clipping it onto the border (as TraceExtract does) would keep border patches free of points
for ever, just where new things come in.

Source
    reference/traceextract.md §2.9, and §9 no. 14 for the border.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import binary_dilation

GRID = 16  # patches per side, as in TraceExtract
SQUARE = np.ones((3, 3), bool)


def patches_of(
    pixel: Float[np.ndarray, "n 2"], size_px: tuple[int, int], grid: tuple[int, int]
) -> tuple[Int[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
    """Row and column of the patch that holds each pixel, and whether the pixel lies in the image at all.

    Args:
        pixel: x and y; the first pixel's centre is (0, 0). NaN lies outside.
        size_px: Width and height of the image.
        grid: Rows and columns of patches.
    """
    with np.errstate(invalid="ignore"):
        inside = (pixel >= -0.5).all(-1) & (pixel < np.array(size_px) - 0.5).all(-1)
    share = np.where(inside[:, None], (pixel + 0.5) / size_px, 0.0)
    return (share[:, ::-1] * grid).astype(int), inside


def covered_patches(
    pixel: Float[np.ndarray, "n 2"],
    is_seen: Bool[np.ndarray, " n"],
    size_px: tuple[int, int],
    grid: tuple[int, int],
    *,
    with_neighbours: bool = True,
) -> Bool[np.ndarray, "rows columns"]:
    """The patches of one frame that need no new point.

    Args:
        pixel: Where the followed points are; anything where they are not seen.
        is_seen: Which of them are seen.
        size_px: Width and height of the image.
        grid: Rows and columns of patches.
        with_neighbours: A point covers the patches around its own, too.
    """
    covered = np.zeros(grid, bool)
    place, inside = patches_of(pixel, size_px, grid)
    row, column = place[inside & is_seen].T
    covered[row, column] = True
    return binary_dilation(covered, SQUARE) if with_neighbours else covered


def coverage(
    pixel: Float[np.ndarray, "t n 2"], visible: Bool[np.ndarray, "t n"], width: int, height: int
) -> float:
    """Mean share of a 16 x 16 grid in which a visible point lies (static ones count, as in TraceExtract)."""
    with np.errstate(invalid="ignore"):
        inside = visible & (pixel >= 0).all(-1) & (pixel[..., 0] < width) & (pixel[..., 1] < height)
    column = np.where(inside, pixel[..., 0] / width * GRID, 0).astype(int)
    row = np.where(inside, pixel[..., 1] / height * GRID, 0).astype(int)
    covered = np.zeros((len(pixel), GRID * GRID), bool)
    frame, point = np.nonzero(inside)
    covered[frame, row[frame, point] * GRID + column[frame, point]] = True
    return float(covered.mean())


def is_inside(pixel: Float[np.ndarray, "*b 2"], size_px: tuple[int, int]) -> Bool[np.ndarray, "*b"]:
    """Pixels that lie in the image; `size_px` is width and height."""
    with np.errstate(invalid="ignore"):
        return (pixel >= 0).all(-1) & (pixel[..., 0] <= size_px[0] - 1) & (pixel[..., 1] <= size_px[1] - 1)


def patch_of(pixel: Float[np.ndarray, "n 2"], size_px: tuple[int, int]) -> Int[np.ndarray, "n 2"]:
    """Row and column of the patch that holds a pixel of the image."""
    column = np.minimum(pixel[:, 0] / size_px[0] * GRID, GRID - 1)
    row = np.minimum(pixel[:, 1] / size_px[1] * GRID, GRID - 1)
    return np.stack([row, column], 1).astype(int)
