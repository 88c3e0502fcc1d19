"""Point tracker `lucas_kanade`: pyramidal Lucas-Kanade with undo, correlation and depth checks."""

from dataclasses import replace
from typing import final

from mu0.traceextract.backends.interfaces import (
    AbstractPointTracker,
    Footage,
    Keypoints,
    PixelTracks,
    Reconstruction,
)
from mu0.traceextract.tracking.lucas_kanade import LucasKanadeSettings, follow


@final
class LucasKanadeTracker(AbstractPointTracker):
    """Follows keypoints frame by frame, forwards and backwards, until a step fails.

    Without depth it takes the frames between the kept ones too: steps are smaller and less blurred.
    """

    def track(self, footage: Footage, reconstruction: Reconstruction, keypoints: Keypoints) -> PixelTracks:
        """Pixels and visibility in every frame."""
        settings = LucasKanadeSettings.for_width(footage.image_size_px[0])
        if footage.fine is not None and not reconstruction.is_3d:
            kept = footage.fine.kept
            fine = follow(footage.fine.grey, None, replace(keypoints, frame=kept[keypoints.frame]), settings)
            return PixelTracks(fine.pixel[kept], fine.is_seen[kept])
        return follow(footage.grey, reconstruction.depth_m, keypoints, settings)
