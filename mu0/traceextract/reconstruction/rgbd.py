"""Reconstructor `rgbd`: the source's own depth and poses, odometry where poses lack; no weights."""

from typing import final

from mu0.traceextract.backends.interfaces import AbstractReconstructor, Footage, Reconstruction
from mu0.traceextract.reconstruction.depth_and_path import reconstruct_rgbd


@final
class RgbdReconstructor(AbstractReconstructor):
    """Uses what was measured and says so where that is not enough."""

    def reconstruct(self, footage: Footage) -> Reconstruction:
        """Depth, intrinsics and poses of every frame."""
        return reconstruct_rgbd(footage)
