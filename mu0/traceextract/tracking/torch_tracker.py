"""What every learned point tracker does alike: hold its model in the one slot, and follow points in portions.

A tracker of this kind says how its model is loaded and how it follows the points of one portion of frames.
"""

from abc import abstractmethod
from functools import partial
from typing import Any

import numpy as np

from mu0.params.learned import LearnedParams, model_of
from mu0.traceextract.backends.interfaces import (
    AbstractPointTracker,
    Footage,
    Keypoints,
    PixelTracks,
    Reconstruction,
)
from mu0.traceextract.backends.loading import Weights
from mu0.traceextract.backends.model_slot import SLOT
from mu0.traceextract.tracking.track_windows import Frames, Portions, Tracks, follow_in_windows


class AbstractTorchTracker(AbstractPointTracker):
    """A point tracker whose model is PyTorch code of others."""

    def __init__(self, backend: str, learned: LearnedParams) -> None:
        self._learned = learned
        self._weights = Weights(backend, model_of(backend, learned.tracker_model), "tracker_model")

    def track(self, footage: Footage, reconstruction: Reconstruction, keypoints: Keypoints) -> PixelTracks:
        """Pixels and visibility in every frame."""
        del reconstruction  # follows colours only
        learned = self._learned
        portions = Portions(learned.tracker_frames, learned.tracker_overlap, learned.tracker_points)
        key = ("tracker", self._weights, learned.device, learned.tracker_code)
        with SLOT.hold(key, self._load) as model:
            return follow_in_windows(footage, keypoints, partial(self._follow, model), portions)

    @abstractmethod
    def _load(self) -> Any:
        """The model, ready to run."""

    @abstractmethod
    def _follow(self, model: Any, frames: Frames, query: np.ndarray, pixel: np.ndarray) -> Tracks:
        """Pixels (t, n, 2) and visibility (t, n) of points asked at frame `query` and pixel `pixel`."""
