"""The growing videos of a LeRobotDataset that is being written, one camera each.

RGB is H.264. Depth is LeRobot's own quantisation (`mu0.sources.lerobot.depth`): 12-bit codes in HEVC without
loss, pixels gray12le, which LeRobot 0.6 and later turn back into depth. Its statistics are in millimetres, as
LeRobot reads it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Shaped

from mu0.errors import SourceError
from mu0.sources.containers.encoding import VideoEncoder, h264_options
from mu0.sources.lerobot.depth import LAST_CODE, DepthCoding, coding_of
from mu0.sources.lerobot.feature_statistics import PixelStatistics
from mu0.sources.lerobot.whole_episode import Frames

GOP = 2  # a key frame at every second frame: random access costs at most one extra frame
HEVC_OPTIONS = {"x265-params": "lossless=1:keyint=2:bframes=0:pools=none:frame-threads=1:log-level=none"}


@final
@dataclass
class VideoFiles:
    """The mp4s of one video key.

    Attributes:
        key: The feature's name.
        told: What its info says beside the encoding; of depth the coding.
        fps: Frames per second.
        crf: H.264's constant rate factor.
        new_path: Where file number n goes.
    """

    key: str
    told: dict[str, Any]
    fps: int
    crf: int
    new_path: Callable[[int], Path]
    n_files: int = 0
    encoder: VideoEncoder | None = None
    shape: tuple[int, ...] = ()
    coding: DepthCoding | None = field(init=False)
    pixels: PixelStatistics = field(init=False)

    def __post_init__(self) -> None:
        self.coding = coding_of({"info": self.told}) if self.told.get("is_depth_map") else None
        self.pixels = PixelStatistics()
        if self.coding is not None:
            codes = np.arange(LAST_CODE + 1, dtype=np.uint16)[None]
            self.pixels = PixelStatistics(
                1000.0 * self.coding.metres(codes)[0].astype(np.float64), channels=1
            )

    def add(self, frames: Frames, n_wanted: int) -> tuple[int, int]:
        """Append an episode's frames; the numbers of the first one and of the one after the last.

        Raises:
            SourceError: There are more or fewer frames than rows, or they differ in size.
        """
        first = self.encoder.n_frames if self.encoder else 0
        for frame in frames:
            self._encoder_for(frame).add(frame)
            self.pixels.add(frame.reshape(1, *frame.shape[:2], -1))
        n_found = (self.encoder.n_frames if self.encoder else 0) - first
        if n_found != n_wanted:
            raise SourceError(
                f"{self.key}: the video gave {n_found} frames.",
                expected=f"one frame for each of {n_wanted} rows",
                remedy="leave the episode out; `mu0 demos doctor` tells which one it is.",
            )
        return first, first + n_found

    def bytes_written(self) -> int:
        """The size of the file that is being written; encoders hold back some frames, at first all."""
        path = self.encoder.path if self.encoder else None
        return path.stat().st_size if path is not None and path.exists() else 0

    def close(self) -> None:
        """Finish the file; the next episode begins another one."""
        if self.encoder is not None:
            self.encoder.close()
            self.encoder = None

    def feature(self) -> dict[str, Any]:
        """The feature as meta/info.json has it."""
        height_px, width_px = self.shape[:2]
        is_depth, channels = self.coding is not None, 3 if self.coding is None else 1
        odd = height_px % 2 or width_px % 2
        info = {
            "video.height": height_px,
            "video.width": width_px,
            "video.channels": channels,
            "video.fps": self.fps,
            "video.codec": "hevc" if is_depth else "h264",
            "video.pix_fmt": "gray12le" if is_depth else "yuv444p" if odd else "yuv420p",
            "video.g": GOP,
            **({} if is_depth else {"video.crf": self.crf}),
            "is_depth_map": is_depth,
            "has_audio": False,
            **(self.coding.info() if self.coding is not None else {}),
        }
        names = ["height", "width", "channels"]
        return {"dtype": "video", "shape": [height_px, width_px, channels], "names": names, "info": info}

    def _encoder_for(self, frame: Shaped[np.ndarray, "h w *channels"]) -> VideoEncoder:
        if self.encoder is None:
            path = self.new_path(self.n_files)
            path.parent.mkdir(parents=True, exist_ok=True)
            colour = "libx264", h264_options(self.crf, GOP)
            codec, options = colour if self.coding is None else ("libx265", HEVC_OPTIONS)
            self.encoder = VideoEncoder(path, float(self.fps), codec, options)
            self.n_files += 1
            self.shape = frame.shape
        return self.encoder
