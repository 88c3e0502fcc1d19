"""Where an episode of a LeRobotDataset lies: its rows, and its frames in videos that others may share."""

from dataclasses import dataclass, field
from typing import Any

from mu0.errors import SourceError


@dataclass(frozen=True)
class VideoPlace:
    """Where the frames of one camera lie; `seconds` is None where the file holds this episode only."""

    file: str
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Episode:
    """Where an episode lies; `rows` is None where the data file holds this episode only.

    `facts` is what the dataset tells of it beyond the format, such as `success`.
    """

    name: str
    index: int = -1
    length: int = 0
    tasks: tuple[str, ...] = ()
    data_file: str = ""
    rows: tuple[int, int] | None = None
    videos: dict[str, VideoPlace] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    fault: SourceError | None = None
