"""Consecutive frames from the middle of a video: from a time on, in a number, at a rate that is checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av

from mu0.errors import SourceError
from mu0.sources.containers.opening import CUT_OFF_REMEDY

TIME_TOLERANCE_S = 1e-4
MAX_DRIFT = 0.75  # of a frame's period, by which a frame may be off its time
AGAIN = "write or download the dataset again."


@dataclass(frozen=True)
class FrameRange:
    """Which frames are asked for.

    Attributes:
        from_s: When the first one is shown.
        n_frames: How many.
        tolerance_s: How far the first one may be off.
        rate_hz: At which rate they must follow each other; None does not ask.
    """

    from_s: float
    n_frames: int
    tolerance_s: float = TIME_TOLERANCE_S
    rate_hz: float | None = None

    def require_rate(self, path: Path, first_s: float, number: int, time_s: float) -> None:
        """Check the time of frame `number` of the range.

        Raises:
            SourceError: It belongs to another clock.
        """
        if self.rate_hz is None or abs(time_s - first_s - number / self.rate_hz) <= MAX_DRIFT / self.rate_hz:
            return
        found_hz = number / (time_s - first_s) if time_s > first_s else 0.0
        raise SourceError(
            f"{path}: the video's clock runs at {found_hz:.4g} Hz from {self.from_s:.4f} s on, the dataset's "
            f"at {self.rate_hz:g}.",
            expected="one clock: otherwise frames of other moments or episodes would be taken",
            remedy=AGAIN,
        )


def ranged(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream, wanted: FrameRange
) -> Iterator[av.VideoFrame]:
    """Decode these frames, without decoding the file's beginning.

    Raises:
        SourceError: No frame lies at the beginning of the range, the file ends too early, a frame cannot be
            decoded, or the rate is another one.
    """
    from_s, n_found, first_s = wanted.from_s, 0, 0.0
    try:
        container.seek(max(0, round(from_s / float(stream.time_base or 1))), stream=stream)
        for frame in container.decode(stream):
            if n_found == wanted.n_frames:
                break
            if n_found or abs((frame.time or 0.0) - from_s) <= wanted.tolerance_s:
                if frame.time is not None:
                    first_s = first_s if n_found else frame.time
                    wanted.require_rate(path, first_s, n_found, frame.time)
                n_found += 1
                yield frame
    except av.error.FFmpegError as error:
        raise SourceError(
            f"{path}: frame {n_found} after {from_s:.4f} s cannot be decoded: {error}.",
            expected=f"{wanted.n_frames} readable frames",
            remedy=CUT_OFF_REMEDY,
        ) from error
    if n_found != wanted.n_frames:
        raise SourceError(
            f"{path}: found {n_found} of {wanted.n_frames} frames from {from_s:.4f} s on.",
            expected=f"a frame at {from_s:.4f} s (within {1000 * wanted.tolerance_s:g} ms), "
            f"{wanted.n_frames} from it on",
            remedy=AGAIN,
        )
