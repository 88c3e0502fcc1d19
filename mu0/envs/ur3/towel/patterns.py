"""Procedural patterns of towels: bright and grey, for MuJoCo multiplies them with the towel's colour.

A coarse weave lies over each, so that a point tracker finds something everywhere. `USUAL_PATTERNS` appear in
scenes that one learns from, `UNSEEN_PATTERNS` only in evaluations of what was never seen.
"""

import cv2
import numpy as np
from jaxtyping import Float

USUAL_PATTERNS = ("towel_plain", "towel_stripes", "towel_checks")
UNSEEN_PATTERNS = ("towel_dots", "towel_border")
SIZE_PX = 256
WEAVE_CELLS = 24
DARK = 0.55


def pattern_files() -> dict[str, bytes]:
    """PNG bytes of every pattern, by file name, as MuJoCo's compiler takes them."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX] / SIZE_PX
    marks = {
        "towel_plain": np.zeros_like(x),
        "towel_stripes": (x * 8) % 1 < 0.4,
        "towel_checks": ((x * 5) % 1 < 0.5) ^ ((y * 5) % 1 < 0.5),
        "towel_dots": np.hypot((x * 6) % 1 - 0.5, (y * 6) % 1 - 0.5) < 0.28,
        "towel_border": np.abs(np.maximum(np.abs(x - 0.5), np.abs(y - 0.5)) - 0.36) < 0.05,
    }
    return {f"{name}.png": _png(mark) for name, mark in marks.items()}


def _png(mark: Float[np.ndarray, "256 256"] | np.ndarray) -> bytes:
    rng = np.random.default_rng(201)
    coarse = rng.uniform(0.75, 1.0, (WEAVE_CELLS, WEAVE_CELLS)).astype(np.float32)
    weave = cv2.resize(coarse, (SIZE_PX, SIZE_PX), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(weave * np.where(mark, DARK, 1.0), 0, 1) * 255
    return bytes(cv2.imencode(".png", np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2))[1])
