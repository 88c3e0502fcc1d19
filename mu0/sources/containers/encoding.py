"""Encoding videos so that equal input gives equal bytes: one thread, no time stamps, no random ids.

write_video           H.264 mp4, small and playable everywhere; frames come back close, not equal
write_lossless_video  FFV1 RGB in Matroska; frames come back equal
write_depth_video     FFV1 gray16le in Matroska; depth in millimetres comes back equal, 0 = missing
VideoEncoder          the same frame by frame, for files that grow over several recordings
"""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, final

import av
import numpy as np
from jaxtyping import UInt8, UInt16

from mu0.errors import SourceError
from mu0.sources.containers.streams import ffmpeg_name

CONTAINER_OPTIONS = {"fflags": "+bitexact"}
FFV1_OPTIONS = {"level": "3", "slices": "4", "slicecrc": "1", "threads": "1"}
MAX_RATE_DENOMINATOR = 1001


def write_video(
    path: Path, frames: Iterable[UInt8[np.ndarray, "h w 3"]], fps_hz: float, *, crf: int = 12, gop: int = 12
) -> int:
    """Encode RGB frames as H.264 (yuv420p; yuv444p where a side is odd). Returns the number of frames.

    Raises:
        SourceError: There is no frame, or the frames differ in size.
    """
    return _write(VideoEncoder(path, fps_hz, "libx264", h264_options(crf, gop)), frames)


def write_lossless_video(path: Path, frames: Iterable[UInt8[np.ndarray, "h w 3"]], fps_hz: float) -> int:
    """Encode RGB frames as FFV1 without any loss; raises as `write_video`. Returns the number of frames."""
    return _write(VideoEncoder(path, fps_hz, "ffv1", FFV1_OPTIONS), frames)


def write_depth_video(path: Path, depth_mm: Iterable[UInt16[np.ndarray, "h w"]], fps_hz: float) -> int:
    """Encode depth [mm] as 16-bit FFV1 without any loss; raises as `write_video`. Returns their number."""
    return _write(VideoEncoder(path, fps_hz, "ffv1", FFV1_OPTIONS), depth_mm)


def h264_options(crf: int, gop: int) -> dict[str, str]:
    """Options of a reproducible H.264 stream without B-frames, with a key frame every `gop` frames.

    x264's macroblock tree is off: with an odd number of block rows it reads memory that nobody wrote, and the
    same pictures become other bytes.
    """
    return {"crf": str(crf), "preset": "medium", "g": str(gop), "bf": "0", "threads": "1", "mbtree": "0"}


@final
class VideoEncoder:
    """A video file that is written frame by frame and must be closed."""

    def __init__(self, path: Path, fps_hz: float, codec: str, options: dict[str, str]) -> None:
        self.path = path
        self.n_frames = 0
        self._rate = Fraction(fps_hz).limit_denominator(MAX_RATE_DENOMINATOR)
        self._codec = codec
        self._options = options
        self._grey = "gray12le" if codec == "libx265" else "gray16le"
        self._shape: tuple[int, ...] = ()
        self._stream: Any = None
        self._container = av.open(ffmpeg_name(path), "w", options=CONTAINER_OPTIONS)

    def add(self, image: np.ndarray) -> None:
        """Append an RGB frame (UInt8) or a depth image (UInt16; for HEVC 12 bits of it).

        Raises:
            SourceError: The image differs in size from the first one.
        """
        if self._stream is None:
            self._shape = image.shape
            self._stream = self._add_stream(image)
        if image.shape != self._shape:
            raise SourceError(
                f"{self.path.name}: frame {self.n_frames} has shape {image.shape}, frame 0 {self._shape}.",
                expected="frames of one size",
                remedy="split the frames into one folder per size, or resize them.",
            )
        layout = self._grey if image.ndim == 2 else "rgb24"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=layout)
        frame.pts = self.n_frames
        frame.time_base = 1 / self._rate
        self._container.mux(self._stream.encode(frame))
        self.n_frames += 1

    def close(self) -> None:
        """Flush and finish the file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def _add_stream(self, image: np.ndarray) -> Any:
        stream: Any = self._container.add_stream(self._codec, rate=self._rate, options=self._options)
        stream.height, stream.width = image.shape[:2]
        stream.codec_context.time_base = 1 / self._rate
        stream.codec_context.thread_count = 1
        if image.ndim == 2:
            stream.pix_fmt = self._grey
        elif self._codec == "ffv1":
            stream.pix_fmt = "bgr0"
        else:
            stream.pix_fmt = "yuv444p" if stream.width % 2 or stream.height % 2 else "yuv420p"
        return stream


def _write(encoder: VideoEncoder, images: Iterable[np.ndarray]) -> int:
    try:
        for image in images:
            encoder.add(image)
    finally:
        encoder.close()
    if encoder.n_frames == 0:
        raise SourceError(
            f"There are no frames to write into {encoder.path.name} (found 0).",
            expected="at least one frame",
            remedy="check that the folder holds images, or the video pictures.",
        )
    return encoder.n_frames
