"""Feature extractor `descriptors`: colour, texture, depth and own motion on a patch grid; no weights."""

from typing import final

import numpy as np
from jaxtyping import Int

from mu0.traceextract.backends.interfaces import (
    AbstractFeatureExtractor,
    Footage,
    PatchFeatures,
    Reconstruction,
)
from mu0.traceextract.keypoints.descriptors import describe_patches, flow_motion

GRID = 16  # patches per side, as in TraceExtract


@final
class PatchDescriptors(AbstractFeatureExtractor):
    """Describes patches by hand-made features."""

    def describe(
        self, footage: Footage, reconstruction: Reconstruction, sampled_frames: Int[np.ndarray, " s"]
    ) -> PatchFeatures:
        """Descriptors and motion masks of `sampled_frames`."""
        descriptors, masks = [], []
        for frame in sampled_frames:
            motion, moves = flow_motion(footage, reconstruction, int(frame))
            depth = None if reconstruction.depth_m is None else reconstruction.depth_m[frame]
            masks.append(moves)
            descriptors.append(describe_patches(footage.frames[frame], depth, motion, GRID, GRID))
        return PatchFeatures(sampled_frames, np.stack(descriptors), np.stack(masks))
