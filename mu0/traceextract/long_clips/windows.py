"""Windows of a long clip: what is held in memory at a time.

    |----------------------------- clip -----------------------------|
    |=== core 0 ===|-- ahead --|
                |back|=== core 1 ===|-- ahead --|
                                 |back|=== core 2 ===================|

Every frame belongs to the core of one window, whose tracks give it its samples. A window also holds the
frames before its core, for histories, and after it, for futures: a raw trace is never cut by the end of a
window, and a re-timed one only if it is slower than the look-ahead is long. The last window has no frames
after its core.
"""

from dataclasses import dataclass, replace

import numpy as np

from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Footage, Reconstruction


@dataclass(frozen=True)
class Window:
    """Frames of the clip.

    Attributes:
        span: Frames held in memory.
        core: Frames whose samples come from this window.
    """

    span: range
    core: range

    @property
    def start(self) -> int:
        """The clip's frame that is the window's frame 0."""
        return self.span.start

    @property
    def local_core(self) -> slice:
        """The core in the window's own frame numbers."""
        return slice(self.core.start - self.start, self.core.stop - self.start)

    def anchors(self, stride: int) -> list[int]:
        """Anchor frames in the window's own numbers: every `stride`-th frame of the clip."""
        return [frame - self.start for frame in self.core if frame % stride == 0]


def cut_windows(n_frames: int, params: ExtractParams) -> list[Window]:
    """Windows of at most `params.window_frames` frames whose cores follow one another."""
    windows: list[Window] = []
    core_start = 0
    while True:
        first = max(0, core_start - params.history_len)
        end = min(first + params.window_frames, n_frames)
        core_end = n_frames if end == n_frames else end - params.window_ahead
        windows.append(Window(range(first, end), range(core_start, core_end)))
        if end == n_frames:
            return windows
        core_start = core_end


def footage_of(footage: Footage, window: Window) -> Footage:
    """The frames of a window, in memory; depth stays with the reconstruction."""
    if footage.scratch is None and len(window.span) == len(footage.frames):
        return footage
    span = slice(window.span.start, window.span.stop)
    poses = footage.camera_from_world
    return replace(
        footage,
        frames=footage.frames[span],
        depth_m=None,
        camera_from_world=None if poses is None else poses[span],
        source_frames=footage.source_frames[span],
        scratch=None,
        fine=None if footage.fine is None else footage.fine[span],
    )


def reconstruction_of(reconstruction: Reconstruction, window: Window) -> Reconstruction:
    """Depth and cameras of a window, in memory; the world stays the clip's."""
    depth = reconstruction.depth_m
    is_whole = len(window.span) == len(reconstruction.camera_from_world)
    if is_whole and (depth is None or isinstance(depth, np.ndarray)):
        return reconstruction
    span = slice(window.span.start, window.span.stop)
    residual = reconstruction.pose_residual_px
    return replace(
        reconstruction,
        depth_m=None if depth is None else np.asarray(depth[span]),
        camera_from_world=reconstruction.camera_from_world[span],
        pose_residual_px=None if residual is None else residual[span],
    )
