"""Opening video files, with words for everything that can be wrong with one.

A video file promises a number of frames and a duration; a recording that was cut off keeps less than it
promises, or has lost its index. Both are told to the person instead of passing a short clip on in silence.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np

from mu0.errors import SourceError
from mu0.file_content import why_no_file
from mu0.sources.containers.streams import open_container, recording_of
from mu0.sources.containers.unreadable import unreadable

VIDEO_SUFFIXES = frozenset(
    {".3gp", ".avi", ".flv", ".gif", ".h264", ".hevc", ".m2ts", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4"}
    | {".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"}
)
FALLBACK_FPS_HZ = 30.0
MAX_HEADER_HZ = 480.0  # beyond it the header tells its clock instead of a rate, as browsers' recordings do
N_MEASURED = 300
CUT_OFF_REMEDY = "copy or record the file again; `ffmpeg -i IN -c copy OUT` saves what is left of it."


@contextmanager
def opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """Open a video file and the stream that holds its recording.

    Raises:
        SourceError: The file is missing, empty, not a video, or holds no video stream.
    """
    if found := why_no_file(path):
        raise SourceError(
            f"{path} {found}.", expected="a video file", remedy="check the name and the folder."
        )
    if path.stat().st_size == 0:
        raise SourceError(
            f"{path} is empty (0 bytes).", expected="a video file", remedy="copy or record the file again."
        )
    try:
        container = open_container(path)
    except (av.error.FFmpegError, ValueError) as error:
        raise unreadable(path, error, VIDEO_SUFFIXES) from error
    with container:
        if container.format.name.endswith("_pipe"):  # FFmpeg's name for one picture's format
            raise unreadable(path, ValueError(f"it is a picture ({container.format.name})"), VIDEO_SUFFIXES)
        stream = recording_of(path, container) if container.streams.video else None
        if stream is None:
            what = "no video stream" if not container.streams.video else "sound with a cover, and no video"
            raise SourceError(
                f"{path} holds {what}.",
                expected="a file with pictures, not only with sound or text",
                remedy="remove the file or replace it by a video.",
            )
        yield container, stream


def decoded(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.VideoFrame]:
    """Frames in display order; raises when fewer arrive than the header promises."""
    n_found = 0
    end_s = 0.0
    period_s = stream_period_s(path, stream)
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                break
            for frame in packet.decode():
                n_found += 1
                end_s = max(end_s, (frame.time or 0.0) + period_s)
                yield frame
    except av.error.FFmpegError as error:
        raise SourceError(
            f"{path}: frame {n_found} cannot be decoded: {error}.",
            expected=f"{stream.frames or 'only'} readable frames",
            remedy=CUT_OFF_REMEDY,
        ) from error
    if n_found == 0:
        raise no_frames(path)
    start_s = float((stream.start_time or 0) * (stream.time_base or 0))
    promised_s = _promised_s(stream)
    is_short = promised_s is not None and end_s - start_s < promised_s - 1.5 * period_s
    if is_short and (not stream.frames or n_found < stream.frames):
        promised = stream.frames or round((promised_s or 0.0) / period_s)
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
        with suppress(ValueError):  # a tag of another form tells nothing
            hours, minutes, seconds = tag.split(":")
            return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    return None


def no_frames(path: Path) -> SourceError:
    """What to say about a video without frames."""
    return SourceError(
        f"{path} holds no frames (found 0).",
        expected="a video with at least one frame",
        remedy="remove the file, or record it again.",
    )


def stream_rate_hz(path: Path, stream: av.VideoStream) -> float:
    """The header's rate; measured from the time stamps where the header has none or an absurd one."""
    header_hz = float(stream.average_rate or stream.guessed_rate or 0)
    if 0 < header_hz <= MAX_HEADER_HZ:
        return header_hz
    return _measured_rate_hz(path) or FALLBACK_FPS_HZ


def _measured_rate_hz(path: Path) -> float | None:
    with opened(path) as (container, stream):
        packets = islice(container.demux(stream), N_MEASURED)
        ticks = np.unique([packet.pts for packet in packets if packet.pts is not None])
        if len(ticks) < 2 or not stream.time_base:
            return None
        return 1.0 / float(np.median(np.diff(ticks)) * stream.time_base)


def stream_period_s(path: Path, stream: av.VideoStream) -> float:
    """The time from frame to frame."""
    return 1.0 / stream_rate_hz(path, stream)


def pixel_aspect(stream: av.VideoStream) -> Fraction | None:
    """Width of a pixel over its height, None where the file does not tell."""
    return stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or None
