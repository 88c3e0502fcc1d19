"""Encoding videos so that equal input gives equal bytes: one thread, no time stamps, no random ids.

write_video           H.264 mp4, small and playable everywhere; frames come back close, not equal
write_lossless_video  FFV1 RGB in Matroska; frames come back equal
write_depth_video     FFV1 gray16le in Matroska; depth in millimetres comes back equal, 0 = missing
"""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from jaxtyping import UInt8, UInt16

from mu0.errors import SourceError

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
    options = {"crf": str(crf), "preset": "medium", "g": str(gop), "bf": "0", "threads": "1"}
    return _write(path, frames, fps_hz, "libx264", options)


def write_lossless_video(path: Path, frames: Iterable[UInt8[np.ndarray, "h w 3"]], fps_hz: float) -> int:
    """Encode RGB frames as FFV1 without any loss; raises as `write_video`. Returns the number of frames."""
    return _write(path, frames, fps_hz, "ffv1", FFV1_OPTIONS)


def write_depth_video(path: Path, depth_mm: Iterable[UInt16[np.ndarray, "h w"]], fps_hz: float) -> int:
    """Encode depth [mm] as 16-bit FFV1 without any loss; raises as `write_video`. Returns the number of images."""
    return _write(path, depth_mm, fps_hz, "ffv1", FFV1_OPTIONS)


def _write(
    path: Path, images: Iterable[np.ndarray], fps_hz: float, codec: str, options: dict[str, str]
) -> int:
    rate = Fraction(fps_hz).limit_denominator(MAX_RATE_DENOMINATOR)
    n_written = 0
    first_shape: tuple[int, ...] = ()
    with av.open(str(path), "w", options=CONTAINER_OPTIONS) as container:
        stream: Any = None
        for image in images:
            if stream is None:
                first_shape = image.shape
                stream = _add_stream(container, codec, rate, image, options)
            elif image.shape != first_shape:
                raise SourceError(
                    f"Frame {n_written} of {path.name} has shape {image.shape}, frame 0 has {first_shape}.",
                    expected="frames of one size",
                    remedy="split the frames into one folder per size, or resize them.",
                )
            grey = image.ndim == 2
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(image), format="gray16le" if grey else "rgb24"
            )
            frame.pts = n_written
            container.mux(stream.encode(frame))
            n_written += 1
        if stream is None:
            raise SourceError(
                f"There are no frames to write into {path.name} (found 0).",
                expected="at least one frame",
                remedy="check that the folder holds images, or the video pictures.",
            )
        container.mux(stream.encode(None))
    return n_written


def _add_stream(
    container: av.container.OutputContainer,
    codec: str,
    rate: Fraction,
    image: np.ndarray,
    options: dict[str, str],
) -> Any:
    stream = container.add_stream(codec, rate=rate, options=options)
    stream.height, stream.width = image.shape[:2]
    stream.time_base = 1 / rate
    stream.codec_context.time_base = 1 / rate
    stream.codec_context.thread_count = 1
    if image.ndim == 2:
        stream.pix_fmt = "gray16le"
    elif codec == "ffv1":
        stream.pix_fmt = "bgr0"
    else:
        stream.pix_fmt = "yuv444p" if stream.width % 2 or stream.height % 2 else "yuv420p"
    return stream
