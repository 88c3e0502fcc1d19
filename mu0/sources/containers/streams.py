"""Opening a container, and which of its pictures are the recording.

A drone's mp4 may begin with a cover, a phone's file may hold a still beside the film: a stream of one
picture is not a recording where another one moves. FFmpeg gets absolute names only
(`2026-11-29T10:30:05.mp4` would be read as a protocol), and tags in other encodings than UTF-8 are left
aside: no frame depends on them.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import av


def ffmpeg_name(path: Path) -> str:
    """The path as FFmpeg takes it for a file, whatever its name looks like."""
    return str(path.absolute())


def open_container(path: Path) -> av.container.InputContainer:
    """Open a container for reading; raises FFmpeg's own errors."""
    return av.open(ffmpeg_name(path), metadata_errors="ignore")


def recording_of(path: Path, container: av.container.InputContainer) -> av.VideoStream | None:
    """The stream to be read: the first one that moves, else the first; None where all are covers of sound."""
    streams = container.streams.video
    if len(streams) == 1:
        return None if _is_cover(streams[0]) else streams[0]
    status = path.stat()
    moving = _moving(path, status.st_size, status.st_mtime_ns)
    return next((stream for stream in streams if stream.index in moving), streams[0])


def streams_note(path: Path, container: av.container.InputContainer, taken: av.VideoStream) -> str:
    """What to tell where a file holds more pictures than the ones that were read; else empty."""
    n_streams = len(container.streams.video)
    if n_streams < 2:
        return ""
    status = path.stat()
    moving = _moving(path, status.st_size, status.st_mtime_ns)
    n_stills = n_streams - len(moving)
    stills = f", {n_stills} of them a single picture" if n_stills else ""
    return f"the file holds {n_streams} video streams{stills}; number {taken.index} was read"


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & stream.disposition.__class__.attached_pic)


@lru_cache(maxsize=1024)
def _moving(path: Path, size: int, changed_ns: int) -> frozenset[int]:  # noqa: ARG001 - part of the key
    """The streams with at least two pictures; headers may count padding, so packets are counted."""
    n_pictures: dict[int, int] = {}
    with open_container(path) as container:
        covers = {stream.index for stream in container.streams.video if _is_cover(stream)}
        asked = {stream.index for stream in container.streams.video} - covers
        try:
            for packet in container.demux([container.streams[index] for index in sorted(asked)]):
                index = packet.stream.index
                n_pictures[index] = n_pictures.get(index, 0) + bool(packet.size)
                if all(n_pictures.get(other, 0) > 1 for other in asked):
                    break
        except av.error.FFmpegError:
            pass  # a damaged end: what came before it was counted, and reading will tell
    return frozenset(index for index, count in n_pictures.items() if count > 1)
