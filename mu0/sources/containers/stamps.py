"""Whether a container's time stamps can be trusted: they must increase from picture to picture as shown.

AVI stores no time stamps at all: with B-frames FFmpeg guesses them in the order of decoding, so that pictures
would be dropped and others shown twice. Other files were written with equal times, or with those of the
decoding order. Where more than a few steps do not go forward, the times are left aside for an even rate.

Looking costs little: packets are read, not decoded. Only where they look wrong (times missing, twice, or not
reordered in a codec that reorders) the file is decoded once, and the answer is kept for this process.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from mu0.sources.containers.streams import open_container, recording_of

MAX_BACK_SHARE = 0.02


@dataclass(frozen=True)
class Stamps:
    """Of `n_steps` steps between pictures with times, `n_back` do not go forward."""

    n_back: int = 0
    n_steps: int = 0

    @property
    def usable(self) -> bool:
        """Whether frames may be placed by these times."""
        return self.n_back <= MAX_BACK_SHARE * self.n_steps

    def note(self, rate_hz: float) -> str:
        """What to tell, empty where all times go forward; `rate_hz`: the rate that is assumed instead."""
        if not self.n_back:
            return ""
        found = f"{self.n_back} of {self.n_steps} steps in time do not go forward"
        if self.usable:
            return f"{found}: of frames at one time the last is shown"
        return f"{found}: the file's times were left aside for an even rate of {rate_hz:g} Hz"


def stamps_of(path: Path) -> Stamps:
    """How the file's time stamps behave; a file that cannot be read has none, and reading it will tell."""
    status = path.stat()
    return _stamps(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _stamps(path: Path, size: int, changed_ns: int) -> Stamps:  # noqa: ARG001 - part of the key
    try:
        if not _looks_wrong(path):
            return Stamps()
        with open_container(path) as container:
            stream = recording_of(path, container)
            if stream is None:
                return Stamps()
            ticks = [frame.pts for frame in container.decode(stream) if frame.pts is not None]
    except av.error.FFmpegError:
        return Stamps()
    steps = np.diff(np.array(ticks, np.int64))
    return Stamps(int((steps <= 0).sum()), len(steps))


def _looks_wrong(path: Path) -> bool:
    with open_container(path) as container:
        stream = recording_of(path, container)
        if stream is None:
            return False
        found = [packet.pts for packet in container.demux(stream) if packet.size]
        ticks = np.array([tick for tick in found if tick is not None], np.int64)
        if len(ticks) < 2:
            return False  # raw streams have no times, which is told elsewhere
        steps = np.diff(ticks)
        is_ordered = bool((steps > 0).all())
        is_double = len(np.unique(ticks)) < len(ticks)
        return len(ticks) < len(found) or is_double or is_ordered == bool(stream.codec_context.has_b_frames)
