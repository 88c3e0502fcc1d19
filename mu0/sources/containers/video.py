"""Decoding videos: any container and codec that PyAV knows, as upright RGB frames on an even time grid.

Conventions
    frames     UInt8 "h w 3", RGB, upright and with square pixels (`mu0.sources.containers.upright`)
    time       frame k lies at k / fps_hz after the first frame; a variable rate is put on this grid
               (`mu0.sources.containers.timing`)
    depth      UInt16 millimetres, 0 = missing, in FFV1 gray16le (see `mu0.sources.containers.encoding`)

Entry points
    probe_video    size, rate and promised length from the header; does not decode
    iter_frames    frames one by one, memory independent of the video's length
    read_frames    all frames in one array
    scan_video     number and time in the file of each of those frames, and how many are damaged
    iter_range     some frames from the middle of a long file (read_range: in one array)
    iter_depth_mm  depth images one by one
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float, Int, UInt8, UInt16

from mu0.errors import SourceError
from mu0.sources.containers.opening import (
    decoded,
    no_frames,
    opened,
    pixel_aspect,
    stream_period_s,
    stream_rate_hz,
)
from mu0.sources.containers.ranges import FrameRange, ranged
from mu0.sources.containers.stamps import stamps_of
from mu0.sources.containers.streams import streams_note
from mu0.sources.containers.timing import Timed, on_grid
from mu0.sources.containers.upright import Uprighter, pose_of, upright_size_px

GREY_FORMATS = ("gray10le", "gray12le", "gray14le", "gray16le")


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says. Sizes are those of the upright frames; `n_frames` is None where unknown."""

    width_px: int
    height_px: int
    fps_hz: float
    n_frames: int | None
    codec: str
    rotation_deg: int


@dataclass(frozen=True)
class VideoScan:
    """Number and time [s] in the file of each frame that `iter_frames` yields.

    `n_damaged` of them were broken in the file, and the decoder made up parts of them; `n_untimed` of them
    carry no time stamp, as in raw H.264 streams. `left_out` tells of times and streams that were not used.
    """

    source_frame: Int[np.ndarray, " t"]
    time_s: Float[np.ndarray, " t"]
    n_damaged: int
    n_untimed: int
    left_out: str = ""

    def note(self) -> str:
        """What to tell about the frames, empty where all is well."""
        n_frames = len(self.time_s)
        damaged = f"{self.n_damaged} of {n_frames} frames are damaged; the decoder made up parts of them"
        untimed = f"{self.n_untimed} of {n_frames} frames have no time stamp; an even rate was assumed"
        parts = [damaged] * bool(self.n_damaged) + [untimed] * bool(self.n_untimed)
        return "; ".join(part for part in (*parts, self.left_out) if part)


def probe_video(path: Path) -> VideoInfo:
    """Read a video's header and its first frame.

    Raises:
        SourceError: The file is missing, empty, cut off, not a video, or holds no frame.
    """
    with opened(path) as (container, stream):
        first = next(decoded(path, container, stream), None)
        if first is None:
            raise no_frames(path)
        height_px, width_px = upright_size_px(first, pixel_aspect(stream))
        return VideoInfo(
            width_px=width_px,
            height_px=height_px,
            fps_hz=stream_rate_hz(path, stream),
            n_frames=stream.frames or None,
            codec=stream.codec_context.name,
            rotation_deg=pose_of(first).rotation_deg,
        )


def iter_frames(path: Path, fps_hz: float | None = None) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Decode a video frame by frame.

    Args:
        path: A video file.
        fps_hz: Resample to this rate by time stamps; None keeps the file's average rate.

    Yields:
        Upright RGB frames.

    Raises:
        SourceError: The file is missing, empty, not a video, holds no frame, is cut off (found N of M
            frames), or a frame cannot be decoded.
    """
    with opened(path) as (container, stream):
        upright = Uprighter(path, pixel_aspect(stream))
        for timed in _on_grid(path, container, stream, fps_hz):
            yield upright(timed.frame)


def scan_video(path: Path, fps_hz: float | None = None) -> VideoScan:
    """Decode a video once, without keeping its pictures; arguments and errors are those of `iter_frames`."""
    numbers, times_s, n_damaged, n_untimed = [], [], 0, 0
    with opened(path) as (container, stream):
        upright = Uprighter(path, pixel_aspect(stream))
        for timed in _on_grid(path, container, stream, fps_hz):
            upright.require_size(timed.frame)
            numbers.append(timed.number)
            times_s.append(timed.time_s)
            n_damaged += int(timed.frame.is_corrupt)
            n_untimed += int(timed.frame.time is None)
    left_out = left_out_of(path)
    return VideoScan(
        np.array(numbers, np.int64), np.array(times_s, np.float64), n_damaged, n_untimed, left_out
    )


def left_out_of(path: Path) -> str:
    """What of a video is not used: times that do not increase, and other streams; raises as `probe_video`."""
    with opened(path) as (container, stream):
        times = stamps_of(path).note(stream_rate_hz(path, stream))
        return "; ".join(note for note in (times, streams_note(path, container, stream)) if note)


def read_frames(path: Path, fps_hz: float | None = None) -> UInt8[np.ndarray, "t h w 3"]:
    """All frames of `iter_frames` in one array; raises the same errors."""
    return np.stack(list(iter_frames(path, fps_hz)))


def read_range(path: Path, from_s: float, n_frames: int) -> UInt8[np.ndarray, "t h w 3"]:
    """`n_frames` frames from a time on in one array; raises as `iter_range`."""
    return np.stack(list(iter_range(path, FrameRange(from_s, n_frames))))


def iter_range(path: Path, wanted: FrameRange) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Decode consecutive frames, without decoding the file's beginning.

    Raises:
        SourceError: The frames are not there, or their times do not fit the rate that is asked for.
    """
    with opened(path) as (container, stream):
        upright = Uprighter(path, pixel_aspect(stream))
        for frame in ranged(path, container, stream, wanted):
            yield upright(frame)


def iter_grey_range(path: Path, wanted: FrameRange) -> Iterator[UInt16[np.ndarray, "h w"]]:
    """The same for videos of 10 to 16 bits of grey, whose values are yielded as they are stored."""
    with opened(path) as (container, stream):
        _require_grey(path, stream)
        for frame in ranged(path, container, stream, wanted):
            yield frame.to_ndarray()


def iter_grey(path: Path, fps_hz: float | None = None) -> Iterator[UInt16[np.ndarray, "h w"]]:
    """All images of such a video on the time grid of `iter_frames`; raises the same errors."""
    with opened(path) as (container, stream):
        _require_grey(path, stream)
        for timed in _on_grid(path, container, stream, fps_hz):
            yield timed.frame.to_ndarray()


def pixel_format(path: Path) -> str:
    """FFmpeg's name of a video's pixels, such as yuv420p or gray16le.

    Raises:
        SourceError: The file is missing, empty or not a video.
    """
    with opened(path) as (_, stream):
        return str(stream.codec_context.pix_fmt)


def first_time_s(path: Path) -> float:
    """The time stamp of a video's first frame, 0 if it has none; raises as `probe_video`."""
    with opened(path) as (container, stream):
        first = next(decoded(path, container, stream), None)
        if first is None:
            raise no_frames(path)
        return float(first.time or 0.0)


def iter_depth_mm(path: Path) -> Iterator[UInt16[np.ndarray, "h w"]]:
    """Decode a 16-bit depth video [mm] image by image.

    Raises:
        SourceError: As in `iter_frames`, or the file does not hold 16-bit grey images.
    """
    with opened(path) as (container, stream):
        _require_grey(path, stream, ("gray16le",))
        for frame in decoded(path, container, stream):
            yield frame.to_ndarray()


def _require_grey(path: Path, stream: av.VideoStream, formats: tuple[str, ...] = GREY_FORMATS) -> None:
    found = stream.codec_context.pix_fmt
    if found not in formats:
        raise SourceError(
            f"{path} holds {found} images.",
            expected="16-bit grey (gray16le) images with depth in millimetres"
            if len(formats) == 1
            else f"grey images of 10 to 16 bits ({', '.join(formats)})",
            remedy="write depth with mu0.sources.containers.encoding.write_depth_video.",
        )


def _on_grid(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream, fps_hz: float | None
) -> Iterator[Timed[av.VideoFrame]]:
    rate_hz = fps_hz or stream_rate_hz(path, stream)
    return on_grid(_timed(path, container, stream), rate_hz, stream_period_s(path, stream))


def _timed(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[Timed[av.VideoFrame]]:
    """Frames with their times after the first one; a frame without a usable time follows its forerunner."""
    period_s = stream_period_s(path, stream)
    are_usable = stamps_of(path).usable
    start_s: float | None = None
    time_s = -period_s
    for number, frame in enumerate(decoded(path, container, stream)):
        if frame.time is None or not are_usable:
            time_s += period_s
        else:
            start_s = frame.time if start_s is None else start_s
            time_s = frame.time - start_s
        yield Timed(number, time_s, frame)
