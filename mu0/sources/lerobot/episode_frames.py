"""Which frames of a video are an episode's, what says so in its metadata, and what is done in it."""

from mu0.errors import SourceError
from mu0.files import inside
from mu0.sources.containers.ranges import FrameRange
from mu0.sources.containers.video import probe_video
from mu0.sources.lerobot.info import AGAIN
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.places import Episode, VideoPlace
from mu0.sources.lerobot.rows import EpisodeRows

CLOCK_TOLERANCE = 0.02  # 29.97 Hz is written as 30


def clocks_of(video_hz: float, fps_hz: float) -> str:
    """What to tell where a video's clock is not the dataset's; empty where it is."""
    if abs(video_hz / fps_hz - 1) <= CLOCK_TOLERANCE:
        return ""
    return f"the video's clock runs at {video_hz:g} Hz, the dataset's at {fps_hz:g}"


def range_of(layout: Layout, place: VideoPlace, rows: EpisodeRows) -> FrameRange:
    """Which frames of a video are an episode's, and how far the first one may be off.

    Half a frame is allowed: datasets that added up their times as floats have drifted (LeRobot issue 3177).

    Raises:
        SourceError: The metadata give the episode another number of frames than it has rows.
    """
    fps_hz = layout.fps_hz
    if place.seconds is None:
        n_held = probe_video(inside(layout.root, place.file)).n_frames
        rate_hz = None if n_held == rows.length else fps_hz  # one frame for each row, whatever the clock
        return FrameRange(0.0, rows.length, 0.49 / fps_hz, rate_hz)
    path = inside(layout.root, place.file)
    if clocks := clocks_of(probe_video(path).fps_hz, fps_hz):
        raise SourceError(
            f"{path}: {clocks}.",
            expected="one clock: otherwise frames of other moments or episodes would be taken",
            remedy=AGAIN,
        )
    from_s, to_s = place.seconds
    n_frames = (to_s - from_s) * fps_hz
    if not abs(n_frames - rows.length) < 1:
        raise SourceError(
            f"{place.file}: the metadata give {n_frames:.1f} frames ({from_s:.4f} s to {to_s:.4f} s) to an "
            f"episode of {rows.length} rows.",
            expected=f"from_timestamp and to_timestamp {rows.length / fps_hz:.4f} s apart",
            remedy=AGAIN,
        )
    return FrameRange(from_s, rows.length, 0.49 / fps_hz, fps_hz)


def instruction_of(layout: Layout, episode: Episode, rows: EpisodeRows) -> tuple[str, str]:
    """The episode's instruction, and a note where it has several."""
    texts = [text for text in episode.tasks if text]
    if not texts and layout.task_texts and "task_index" in layout.features:
        numbers = rows.column("task_index").reshape(-1)
        texts = [layout.task_texts.get(int(number), "") for number in dict.fromkeys(numbers.tolist())]
    if len(texts) > 1:
        return texts[0], f"the episode has {len(texts)} instructions, of which the first was taken"
    return (texts[0] if texts else ""), ""
