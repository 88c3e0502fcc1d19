"""Decoding videos: any container and codec that PyAV knows, as upright RGB frames on an even time grid.

A video file promises a number of frames and a duration; a recording that was cut off keeps less than it
promises, or has lost its index. Both are told to the person instead of passing a short clip on in silence.

Conventions
    frames     UInt8 "h w 3", RGB, upright: the rotation that phones store as metadata is applied
    time       frame k lies at k / fps_hz after the first frame. Files with a variable frame rate are
               resampled: of each grid time the nearest frame is taken, so an even file is left as it is
    depth      UInt16 millimetres, 0 = missing, in FFV1 gray16le (see `mu0.sources.encoding`)

Entry points
    probe_video    size, rate and promised length from the header; does not decode
    iter_frames    frames one by one, memory independent of the video's length
    read_frames    all frames in one array
    read_range     some frames from the middle of a long file
    iter_depth_mm  depth images one by one
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8, UInt16

from mu0.errors import SourceError

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".m4v"})
FALLBACK_FPS_HZ = 30.0
TIME_TOLERANCE_S = 1e-4
CUT_OFF_REMEDY = "copy or record the file again; `ffmpeg -i IN -c copy OUT` saves what is left of it."


@dataclass(frozen=True)
class VideoInfo:
    """What a video's header says. Sizes are those of the upright frames; `n_frames` is None where unknown."""

    width_px: int
    height_px: int
    fps_hz: float
    n_frames: int | None
    codec: str
    rotation_deg: int


def probe_video(path: Path) -> VideoInfo:
    """Read a video's header and its first frame.

    Raises:
        SourceError: The file is missing, empty, cut off, not a video, or holds no frame.
    """
    with _opened(path) as (container, stream):
        first = next(_decoded(path, container, stream), None)
        if first is None:
            raise _no_frames(path)
        turned = _quarter_turns(first) % 2 == 1
        width_px, height_px = (first.height, first.width) if turned else (first.width, first.height)
        return VideoInfo(
            width_px=width_px,
            height_px=height_px,
            fps_hz=_rate_hz(stream),
            n_frames=stream.frames or None,
            codec=stream.codec_context.name,
            rotation_deg=90 * _quarter_turns(first),
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
    with _opened(path) as (container, stream):
        rate_hz = fps_hz or _rate_hz(stream)
        colours = VideoReformatter()
        for frame in _on_grid(_decoded(path, container, stream), rate_hz, _period_s(stream)):
            yield _upright(frame, colours)


def read_frames(path: Path, fps_hz: float | None = None) -> UInt8[np.ndarray, "t h w 3"]:
    """All frames of `iter_frames` in one array; raises the same errors."""
    return np.stack(list(iter_frames(path, fps_hz)))


def read_range(path: Path, from_s: float, n_frames: int) -> UInt8[np.ndarray, "t h w 3"]:
    """Decode `n_frames` consecutive frames that start at `from_s`, without decoding the file's beginning.

    Raises:
        SourceError: No frame lies within 0.1 ms of `from_s`, or the file ends before `n_frames` frames.
    """
    found: list[UInt8[np.ndarray, "h w 3"]] = []
    with _opened(path) as (container, stream):
        colours = VideoReformatter()
        tick_s = float(stream.time_base or 1)
        container.seek(max(0, round(from_s / tick_s)), stream=stream)
        for frame in container.decode(stream):
            if len(found) == n_frames:
                break
            if found or abs((frame.time or 0.0) - from_s) <= TIME_TOLERANCE_S:
                found.append(_upright(frame, colours))
    if len(found) != n_frames:
        raise SourceError(
            f"{path}: found {len(found)} of {n_frames} frames from {from_s:.4f} s on.",
            expected=f"a frame at {from_s:.4f} s (within 0.1 ms) and {n_frames} frames from it on",
            remedy="write the dataset again: delete its folder and run `mu0 run`.",
        )
    return np.stack(found)


def iter_depth_mm(path: Path) -> Iterator[UInt16[np.ndarray, "h w"]]:
    """Decode a 16-bit depth video [mm] image by image.

    Raises:
        SourceError: As in `iter_frames`, or the file does not hold 16-bit grey images.
    """
    with _opened(path) as (container, stream):
        if stream.codec_context.pix_fmt != "gray16le":
            raise SourceError(
                f"{path} holds {stream.codec_context.pix_fmt} images.",
                expected="16-bit grey (gray16le) images with depth in millimetres",
                remedy="write depth with mu0.sources.encoding.write_depth_video.",
            )
        for frame in _decoded(path, container, stream):
            yield frame.to_ndarray()


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    if not path.is_file():
        raise SourceError(
            f"{path} is missing.", expected="a video file", remedy="check the name and the folder."
        )
    if path.stat().st_size == 0:
        raise SourceError(
            f"{path} is empty (0 bytes).", expected="a video file", remedy="copy or record the file again."
        )
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, ValueError) as error:
        raise _not_readable(path, error) from error
    with container:
        if not container.streams.video:
            raise SourceError(
                f"{path} holds no video stream.",
                expected="a file with pictures, not only with sound or text",
                remedy="remove the file or replace it by a video.",
            )
        yield container, container.streams.video[0]


def _not_readable(path: Path, error: Exception) -> SourceError:
    with path.open("rb") as stream:
        head = stream.read(12)
    if head[4:8] == b"ftyp":
        return SourceError(
            f"{path} ({path.stat().st_size} bytes) starts like an mp4 but has no readable index (moov).",
            expected="a complete recording; cameras write the index when the recording ends",
            remedy="copy or record the file again; tools such as `untrunc` can rebuild the index.",
        )
    return SourceError(
        f"{path} is not a video that FFmpeg can read: {error}.",
        expected=f"a video file ({', '.join(sorted(VIDEO_SUFFIXES))})",
        remedy="remove the file, or convert it to mp4.",
    )


def _decoded(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.VideoFrame]:
    """Frames in display order; raises when fewer arrive than the header promises."""
    n_found = 0
    end_s = 0.0
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                break
            for frame in packet.decode():
                n_found += 1
                end_s = max(end_s, (frame.time or 0.0) + _period_s(stream))
                yield frame
    except av.error.FFmpegError as error:
        raise SourceError(
            f"{path}: frame {n_found} cannot be decoded: {error}.",
            expected=f"{stream.frames or 'only'} readable frames",
            remedy=CUT_OFF_REMEDY,
        ) from error
    if n_found == 0:
        raise _no_frames(path)
    start_s = float((stream.start_time or 0) * (stream.time_base or 0))
    promised_s = _promised_s(stream)
    is_short = promised_s is not None and end_s - start_s < promised_s - 1.5 * _period_s(stream)
    if is_short and (not stream.frames or n_found < stream.frames):
        promised = stream.frames or round((promised_s or 0.0) / _period_s(stream))
        raise SourceError(
            f"{path} is cut off: found {n_found} of {promised} frames.",
            expected=f"{promised} frames, as the file's header says",
            remedy=CUT_OFF_REMEDY,
        )


def _promised_s(stream: av.VideoStream) -> float | None:
    """How long the header says the stream is; an edit list (a trimmed mp4) is already taken into account."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if tag := stream.metadata.get("DURATION"):  # Matroska: "00:00:03.500000000"
        hours, minutes, seconds = tag.split(":")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    return None


def _no_frames(path: Path) -> SourceError:
    return SourceError(
        f"{path} holds no frames (found 0).",
        expected="a video with at least one frame",
        remedy="remove the file, or record it again.",
    )


def _rate_hz(stream: av.VideoStream) -> float:
    return float(stream.average_rate or stream.guessed_rate or FALLBACK_FPS_HZ)


def _period_s(stream: av.VideoStream) -> float:
    return 1.0 / _rate_hz(stream)


def _on_grid(frames: Iterator[av.VideoFrame], fps_hz: float, last_s: float) -> Iterator[av.VideoFrame]:
    """The nearest frame of each grid time k / fps_hz; the last one is shown for `last_s`."""
    held: av.VideoFrame | None = None
    held_s = start_s = 0.0
    n_out = 0
    for frame in frames:
        if frame.time is None:
            yield frame
            continue
        if held is None:
            held, held_s, start_s = frame, 0.0, frame.time
            continue
        time_s = frame.time - start_s
        while n_out / fps_hz < (held_s + time_s) / 2:
            yield held
            n_out += 1
        held, held_s = frame, time_s
    while held is not None and n_out / fps_hz < held_s + last_s / 2:
        yield held
        n_out += 1


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that make the frame upright."""
    return round(frame.rotation / 90) % 4


def _upright(frame: av.VideoFrame, colours: VideoReformatter) -> UInt8[np.ndarray, "h w 3"]:
    # one reformatter for all frames: a new one for each takes three times as long as decoding
    rgb = colours.reformat(frame, format="rgb24").to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, _quarter_turns(frame)))
