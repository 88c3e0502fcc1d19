"""Procedural textures: grey value noise that a point tracker can hold on to at 128 x 128 pixels.

Each texture is a sum of smooth random patterns of growing fineness. It is grey and bright, because MuJoCo
multiplies it with a geom's colour: one texture serves an object of any colour. The coarse patterns matter
most: at 128 pixels an apple is ten pixels wide, and finer ones would only shimmer.
"""

import cv2
import numpy as np

OBJECT_TEXTURES = tuple(f"noise_{i}" for i in range(6))
TABLE_TEXTURES = ("wood", "speckle", "tiles")
OBJECT_CELLS = ((4, 0.35), (8, 0.4), (16, 0.25))
SPECKLE_CELLS = ((8, 0.2), (32, 0.35), (64, 0.45))


def texture_files() -> dict[str, bytes]:
    """PNG bytes of every texture, by file name, as MuJoCo's compiler takes them."""
    images = {
        name: _noise(seed, 64, OBJECT_CELLS, low=0.38) for seed, name in enumerate(OBJECT_TEXTURES, start=1)
    }
    images["speckle"] = _noise(101, 512, SPECKLE_CELLS, low=0.6)
    images["wood"] = _wood(102, 512)
    images["tiles"] = _tiles(103, 512)
    return {f"{name}.png": _png(image) for name, image in images.items()}


def _noise(seed: int, size_px: int, cells: tuple[tuple[int, float], ...], low: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.zeros((size_px, size_px), np.float32)
    for n_cells, weight in cells:
        coarse = rng.random((n_cells, n_cells), dtype=np.float32)
        image += weight * cv2.resize(coarse, (size_px, size_px), interpolation=cv2.INTER_CUBIC)
    image = (image - image.min()) / (image.max() - image.min())
    return low + (1 - low) * image


def _wood(seed: int, size_px: int) -> np.ndarray:
    """Streaks along y with knots of noise."""
    rng = np.random.default_rng(seed)
    streaks = cv2.resize(
        rng.random((6, 48), dtype=np.float32), (size_px, size_px), interpolation=cv2.INTER_CUBIC
    )
    return np.clip(0.55 + 0.2 * streaks + 0.35 * (_noise(seed + 1, size_px, SPECKLE_CELLS, 0.0) - 0.3), 0, 1)


def _tiles(seed: int, size_px: int) -> np.ndarray:
    """Square tiles of different greys under a light speckle."""
    rng = np.random.default_rng(seed)
    tiles = cv2.resize(
        rng.random((12, 12), dtype=np.float32), (size_px, size_px), interpolation=cv2.INTER_NEAREST
    )
    return np.clip(0.6 + 0.25 * tiles + 0.25 * (_noise(seed + 1, size_px, SPECKLE_CELLS, 0.0) - 0.3), 0, 1)


def _png(image: np.ndarray) -> bytes:
    grey = np.repeat((np.clip(image, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
    return bytes(cv2.imencode(".png", grey)[1])
