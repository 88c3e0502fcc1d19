"""Which frames of a video are an episode's, by the metadata and by the video's own clock."""

from mu0.errors import SourceError
from mu0.files import inside
from mu0.sources.containers.ranges import FrameRange
from mu0.sources.containers.video import probe_video
from mu0.sources.lerobot.info import AGAIN
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.places import VideoPlace

CLOCK_TOLERANCE = 0.02  # 29.97 Hz is written as 30


def frame_range(layout: Layout, place: VideoPlace, n_rows: int) -> FrameRange:
    """The frames of an episode of `n_rows` rows in one of its videos.

    Half a frame is allowed: datasets that added up their times as floats have drifted (LeRobot issue 3177).

    Raises:
        SourceError: The metadata give the episode another number of frames than it has rows, or a video that
            episodes share runs by another clock.
    """
    fps_hz = layout.fps_hz
    path = inside(layout.root, place.file)
    if place.seconds is None:
        n_held = probe_video(path).n_frames
        rate_hz = None if n_held == n_rows else fps_hz  # one frame for each row, whatever the clock
        return FrameRange(0.0, n_rows, 0.49 / fps_hz, rate_hz)
    if clocks := clocks_apart(probe_video(path).fps_hz, fps_hz):
        raise SourceError(
            f"{path}: {clocks}.",
            expected="one clock: otherwise frames of other moments or episodes would be taken",
            remedy=AGAIN,
        )
    from_s, to_s = place.seconds
    n_frames = (to_s - from_s) * fps_hz
    if not abs(n_frames - n_rows) < 1:
        raise SourceError(
            f"{place.file}: the metadata give {n_frames:.1f} frames ({from_s:.4f} s to {to_s:.4f} s) to an "
            f"episode of {n_rows} rows.",
            expected=f"from_timestamp and to_timestamp {n_rows / fps_hz:.4f} s apart",
            remedy=AGAIN,
        )
    return FrameRange(from_s, n_rows, 0.49 / fps_hz, fps_hz)


def clocks_apart(video_hz: float, fps_hz: float) -> str:
    """What to tell where a video's clock is not the dataset's; empty where it is."""
    if abs(video_hz / fps_hz - 1) <= CLOCK_TOLERANCE:
        return ""
    return f"the video's clock runs at {video_hz:g} Hz, the dataset's at {fps_hz:g}"
