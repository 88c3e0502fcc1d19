"""Steadying the scale of depth that was predicted frame by frame.

A network that sees one frame at a time changes its mind about the scale of the scene from frame to frame. The
change between neighbours is the median of the ratios of their depths: most pixels of two neighbouring frames
show the same surface. Its running sum is the scale over time. Slow change is true (a camera that walks
towards a wall) or cannot be told from true, so only what deviates from a running line is taken away.

The deviation that was taken away is reported, for it says how far the depth could be trusted to begin with.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

STRIDE_PX = 4
SPIKE_FRAMES = 5
MIN_WINDOW = 3
TO_SIGMA = 1.4826


class ScaleWatch:
    """Looks at depth images as they pass by and remembers how their scale changed."""

    def __init__(self) -> None:
        self.log_ratio: list[float] = []
        self._before: Float[np.ndarray, "h w"] | None = None

    def passing(self, images: Iterable[Float[np.ndarray, "h w"]]) -> Iterator[Float[np.ndarray, "h w"]]:
        """The same images; their scales are noted."""
        for image in images:
            small = image[::STRIDE_PX, ::STRIDE_PX].astype(np.float64)
            self.log_ratio.append(0.0 if self._before is None else _log_ratio(small, self._before))
            self._before = small
            yield image

    def correction(self, window_frames: int) -> Float[np.ndarray, " t"]:
        """Factor of every frame that brings its scale to the running one."""
        if window_frames < MIN_WINDOW or len(self.log_ratio) < MIN_WINDOW:
            return np.ones(len(self.log_ratio))
        scale = np.cumsum(self.log_ratio)
        return np.exp(_running(scale, window_frames) - scale)


def flicker_share(correction: Float[np.ndarray, " t"]) -> float:
    """How far scales were off, as a share: the robust deviation of the corrections."""
    return float(TO_SIGMA * np.median(np.abs(np.log(correction))))


def _log_ratio(depth: Float[np.ndarray, "h w"], before: Float[np.ndarray, "h w"]) -> float:
    both = (depth > 0) & (before > 0)
    return float(np.median(np.log(depth[both] / before[both]))) if both.any() else 0.0


def _running(scale: Float[np.ndarray, " t"], window: int) -> Float[np.ndarray, " t"]:
    """A median against single bad frames, mirrored at the ends so that slopes go on; then local lines."""
    padded = np.pad(scale, SPIKE_FRAMES, mode="reflect", reflect_type="odd")
    calm = median_filter(padded, SPIKE_FRAMES)[SPIKE_FRAMES:-SPIKE_FRAMES]
    odd = min(window, len(scale)) - 1 | 1
    return savgol_filter(calm, odd, polyorder=1) if odd >= MIN_WINDOW else calm
