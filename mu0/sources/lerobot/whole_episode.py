"""An episode with all that it holds, on its way from one LeRobotDataset into another.

What a dataset is (`Contents`) and what each episode holds (`WholeEpisode`) do not depend on the version: the
writers of v3.0 and v2.1 take the same. Time stamps and counters are the writers' business.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped, UInt8, UInt16

from mu0.errors import SourceError

Frames = Iterable[UInt8[np.ndarray, "h w 3"]] | Iterable[UInt16[np.ndarray, "h w"]]


@dataclass(frozen=True)
class Contents:
    """What all episodes of a dataset share.

    Attributes:
        fps_hz: A whole number of frames per second.
        robot_type: As meta/info.json has it.
        columns: Features of the data files by name (dtype, shape, names), without bookkeeping.
        cameras: Features of the videos by name; what `info` says beside the encoding is kept.
    """

    fps_hz: float
    robot_type: str
    columns: dict[str, Any]
    cameras: dict[str, Any]

    def whole_fps(self) -> int:
        """The rate as LeRobot has it.

        Raises:
            SourceError: It is no whole number.
        """
        if self.fps_hz != round(self.fps_hz):
            raise SourceError(
                f"The demonstrations run at {self.fps_hz} Hz.",
                expected="a whole number of frames per second",
                remedy="record at such a rate.",
            )
        return round(self.fps_hz)


@dataclass(frozen=True)
class WholeEpisode:
    """One episode.

    Attributes:
        columns: One row per frame and feature.
        videos: The frames of each camera, as an array or one by one: RGB, or the 12-bit codes of depth.
        tasks: Its instructions; `task_of_row` counts in them, None: the first one everywhere.
        task_of_row: Which of them a frame belongs to.
        facts: More columns of the episode table, such as `success`.
    """

    columns: dict[str, Shaped[np.ndarray, "t *size"]]
    videos: dict[str, Frames]
    tasks: tuple[str, ...]
    task_of_row: Int[np.ndarray, " t"] | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def length(self, name: str) -> int:
        """The number of rows.

        Args:
            name: How to call the episode in a message.

        Raises:
            SourceError: There are none, or columns and videos differ in length.
        """
        parts: dict[str, Any] = {**self.columns, **self.videos}
        lengths = {key: len(part) for key, part in parts.items() if isinstance(part, np.ndarray)}
        if len(set(lengths.values())) != 1 or 0 in lengths.values():
            raise SourceError(
                f"{name}: {', '.join(f'{key} has length {n}' for key, n in lengths.items())}.",
                expected="one row per frame everywhere, and at least one frame",
                remedy="record the demonstration again.",
            )
        return next(iter(lengths.values()))

    def rows_of_task(self, numbers: dict[str, int], length: int) -> Int[np.ndarray, " t"]:
        """The dataset's task number of each frame; new instructions get the next number in `numbers`."""
        tasks = self.tasks or ("",)
        known = np.array([numbers.setdefault(task, len(numbers)) for task in tasks], np.int64)
        return known[self.task_of_row] if self.task_of_row is not None else np.full(length, known[0])
