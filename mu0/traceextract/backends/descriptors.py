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
from mu0.traceextract.descriptors import dense_flow, describe_patches, motion_mask, own_motion

GRID = 16  # patches per side, as in TraceExtract
MOTION_SPAN_S = 0.2  # flow over two frames at 10 Hz: slow hands rise above the noise of flow


@final
class PatchDescriptors(AbstractFeatureExtractor):
    """Describes patches by hand-made features."""

    def describe(
        self, footage: Footage, reconstruction: Reconstruction, sampled_frames: Int[np.ndarray, " s"]
    ) -> PatchFeatures:
        """Descriptors and motion masks of `sampled_frames`."""
        span = max(1, round(MOTION_SPAN_S * footage.fps_hz))
        last = len(footage.frames) - 1
        focal_px = float(reconstruction.intrinsics[0, 0])
        descriptors, masks = [], []
        for frame in sampled_frames:
            depth = None if reconstruction.depth_m is None else reconstruction.depth_m[frame]
            goal = frame + span if frame + span <= last else max(frame - span, 0)
            flow = dense_flow(footage.grey[frame], footage.grey[goal])
            motion = own_motion(flow, reconstruction, int(frame), int(goal))
            masks.append(motion_mask(motion, depth, focal_px))
            descriptors.append(describe_patches(footage.frames[frame], depth, motion, GRID, GRID))
        return PatchFeatures(sampled_frames, np.stack(descriptors), np.stack(masks))
