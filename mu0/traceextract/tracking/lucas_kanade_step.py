"""One step of pyramidal Lucas-Kanade, its limits, and whether it can be undone.

Sources
    Thresholds and costs: reference/perception.md §3 and §6.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from mu0.traceextract.tracking.patches import Grey

SMALL_WIDTH_PX = 256


@dataclass(frozen=True)
class LucasKanadeSettings:
    """Limits of one step; `for_width` gives values that fit the picture size."""

    window_px: int = 21
    n_levels: int = 3
    undo_limit_px: float = 1.0
    step_correlation: float = 0.3
    query_correlation: float = 0.1
    depth_jump_m: float = 0.08
    patch_radius_px: int = 5
    looks_again: bool = True

    @classmethod
    def for_width(cls, width_px: int) -> "LucasKanadeSettings":
        """Small pictures need small windows: an object of 20 px must fill the window."""
        if width_px <= SMALL_WIDTH_PX:
            return cls(window_px=11, n_levels=2, undo_limit_px=0.7, patch_radius_px=3)
        return cls()


def lucas_kanade_step(
    source: Grey, goal: Grey, pixel: Float32[np.ndarray, "n 2"], settings: LucasKanadeSettings
) -> tuple[Float32[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
    """One step and whether it can be undone and stays inside the image."""
    size = (settings.window_px, settings.window_px)
    start = np.ascontiguousarray(pixel.reshape(-1, 1, 2))
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        source, goal, start, None, winSize=size, maxLevel=settings.n_levels
    )
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(
        goal, source, there, None, winSize=size, maxLevel=settings.n_levels
    )
    there = there.reshape(-1, 2)
    undo_px = np.linalg.norm(back.reshape(-1, 2) - pixel, axis=1)
    height, width = goal.shape
    inside = (there >= 0).all(1) & (there[:, 0] <= width - 1) & (there[:, 1] <= height - 1)
    good = (found.ravel() == 1) & (found_back.ravel() == 1) & (undo_px < settings.undo_limit_px) & inside
    return there, good
