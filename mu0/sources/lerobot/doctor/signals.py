"""What the checks look at: an episode's numbers, and the times of its frames; pictures are not decoded."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float

from mu0.errors import Mu0Error, SourceError
from mu0.files import inside
from mu0.sources.containers.opening import opened
from mu0.sources.faults import READING, fault_of
from mu0.sources.lerobot.info import AGAIN
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.places import Episode, VideoPlace
from mu0.sources.lerobot.rows import open_rows
from mu0.sources.lerobot.tables import columns_of

STATE, ACTION = "observation.state", "action"


@dataclass(frozen=True)
class Signals:
    """One episode.

    Attributes:
        episode: Its entry in the metadata.
        fps_hz: The dataset's rate.
        times_s: The time stamps of its rows, as they are.
        numbers: Every feature of floats, one row per frame.
        frame_times_s: When the frames of each video are shown, beside the episode's beginning in it.
    """

    episode: Episode
    fps_hz: float
    times_s: Float[np.ndarray, " t"]
    numbers: dict[str, Float[np.ndarray, "t n"]]
    frame_times_s: dict[str, Float[np.ndarray, " frames"]]

    @property
    def name(self) -> str:
        """What the episode is called."""
        return self.episode.name

    @property
    def length(self) -> int:
        """Its rows."""
        return len(self.times_s)


def signals_of(layout: Layout) -> Iterator[Signals | tuple[Episode, Mu0Error]]:
    """Every episode, or why it cannot be read."""
    for episode in layout.episodes:
        try:
            if episode.fault is not None:
                raise episode.fault
            signals = _signals(layout, episode)
        except Mu0Error as error:
            yield episode, error
        except READING as error:
            yield episode, fault_of(error, episode.name)
        else:
            yield signals


def _signals(layout: Layout, episode: Episode) -> Signals:
    rows = open_rows(layout.root, episode)
    names = [
        name
        for name, feature in columns_of(layout.features).items()
        if feature["dtype"] in {"float32", "float64"} and len(feature.get("shape") or ()) == 1
    ]
    columns = {name: rows.column(name).astype(np.float64) for name in names}
    return Signals(
        episode=episode,
        fps_hz=layout.fps_hz,
        times_s=rows.column("timestamp").astype(np.float64).reshape(-1),
        numbers={name: column.reshape(rows.length, -1) for name, column in columns.items()},
        frame_times_s={key: _frame_times_s(layout, place) for key, place in episode.videos.items()},
    )


def _frame_times_s(layout: Layout, place: VideoPlace) -> Float[np.ndarray, " frames"]:
    path = inside(layout.root, place.file)
    if not path.is_file():
        raise SourceError(f"{path} is missing.", expected="the video of the episode", remedy=AGAIN)
    status = path.stat()
    times_s = _packet_times_s(path, status.st_size, status.st_mtime_ns)
    if place.seconds is None:
        return times_s
    half_s = 0.5 / layout.fps_hz
    first, last = np.searchsorted(times_s, [place.seconds[0] - half_s, place.seconds[1] - half_s])
    return times_s[first:last] - place.seconds[0]


@lru_cache(maxsize=64)
def _packet_times_s(path: Path, size: int, changed_ns: int) -> Float[np.ndarray, " frames"]:  # noqa: ARG001 the key
    """When each frame of a video is shown: packets are read, not decoded."""
    with opened(path) as (container, stream):
        tick_s = float(stream.time_base or 1)
        try:
            ticks = [packet.pts for packet in container.demux(stream) if packet.size]
        except av.error.FFmpegError as error:
            raise fault_of(error, str(path)) from error
    return np.sort(np.array([tick for tick in ticks if tick is not None], np.float64)) * tick_s
