"""Point tracker `lucas_kanade`: pyramidal Lucas-Kanade with undo, correlation and depth checks."""

from typing import final

from mu0.traceextract.backends.interfaces import (
    AbstractPointTracker,
    Footage,
    Keypoints,
    PixelTracks,
    Reconstruction,
)
from mu0.traceextract.tracking import LucasKanadeSettings, follow


@final
class LucasKanadeTracker(AbstractPointTracker):
    """Follows keypoints frame by frame, forwards and backwards, until a step fails."""

    def track(self, footage: Footage, reconstruction: Reconstruction, keypoints: Keypoints) -> PixelTracks:
        """Pixels and visibility in every frame."""
        settings = LucasKanadeSettings.for_width(footage.image_size_px[0])
        return follow(footage.grey, reconstruction.depth_m, keypoints, settings)
