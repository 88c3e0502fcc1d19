"""The depth panel: metres as turbo colours, so that an RGB encoder can look at depth.

The logarithm of depth between `log_min` (near, 1) and `log_max` (far, 0) picks one of 256 colours of the
turbo map; pixels without depth look like far ones. The table comes from Mikhailov's polynomial and not from
a plotting library, because the official checkpoint saw exactly these colours.

Sources
    Polynomial of A. Mikhailov's turbo colour map; rules and check values in reference/mu0.md §1.6.
"""

import numpy as np
from jaxtyping import Float

MIN_DEPTH_M = 1e-3
N_COLOURS = 256
POLYNOMIAL = np.array([  # rows r, g, b; columns are the powers 0 to 5 of i / 255
    [0.13572138, 4.61539260, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
    [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
    [0.10667330, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
])  # fmt: skip
TURBO: Float[np.ndarray, "256 3"] = np.clip(
    np.linspace(0, 1, N_COLOURS)[:, None] ** np.arange(6) @ POLYNOMIAL.T, 0, 1
).astype(np.float32)


def depth_levels(depth_m: Float[np.ndarray, "*shape"], log_min: float, log_max: float) -> np.ndarray:
    """Index into the turbo table: 255 at `exp(log_min)` or nearer, 0 at far or without depth."""
    depth = np.asarray(depth_m, dtype=np.float32)
    has_depth = np.isfinite(depth) & (depth > MIN_DEPTH_M)
    clipped = np.clip(np.where(has_depth, depth, np.exp(log_max)), np.exp(log_min), np.exp(log_max))
    nearness = 1 - (np.log(clipped) - log_min) / max(log_max - log_min, 1e-6)
    levels = np.clip((N_COLOURS - 1) * nearness, 0, N_COLOURS - 1).astype(np.uint8)
    levels[~has_depth] = 0
    return levels


def colour_depth(
    depth_m: Float[np.ndarray, "*shape"], log_range: tuple[float, float]
) -> Float[np.ndarray, "*shape 3"]:
    """Turbo colours in [0, 1] of depth [m] within `log_range` = (ln near, ln far)."""
    return TURBO[depth_levels(depth_m, *log_range)]
