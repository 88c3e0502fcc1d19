"""Reading all that an episode holds, so that it can be written again: cut, repaired, or in another version.

What cannot be written again is left out, and `left_out` tells it: texts, arrays of several axes, and depth
that is not in LeRobot's 12-bit code. Images that are columns become videos.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Int, Shaped

from mu0.errors import SourceError
from mu0.files import inside
from mu0.sources.containers.ranges import FrameRange
from mu0.sources.containers.video import iter_grey_range, iter_range
from mu0.sources.lerobot.depth import QUANTISED, coding_of, info_of, is_depth
from mu0.sources.lerobot.episode_frames import range_of
from mu0.sources.lerobot.info import AGAIN
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.places import Episode
from mu0.sources.lerobot.rows import EpisodeRows, open_rows
from mu0.sources.lerobot.tables import columns_of
from mu0.sources.lerobot.whole_episode import Contents, Frames, WholeEpisode

PLAIN_TYPES = frozenset({"float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "bool"})


def contents_of(layout: Layout) -> Contents:
    """What can be written again of a dataset's features."""
    left = set(left_out(layout))
    columns = {
        name: {key: feature.get(key) for key in ("dtype", "shape", "names")}
        for name, feature in columns_of(layout.features).items()
        if name not in left
    }
    cameras = {
        key: info_of(feature) | ({"is_depth_map": True} if _is_quantised(layout, key) else {})
        for key, feature in layout.cameras.items()
        if key not in left
    }
    return Contents(layout.fps_hz, layout.robot_type, columns, cameras)


def left_out(layout: Layout) -> list[str]:
    """The features that cannot be written again."""
    columns = [
        name
        for name, feature in columns_of(layout.features).items()
        if feature["dtype"] not in PLAIN_TYPES or len(feature.get("shape") or ()) != 1
    ]
    depths = [key for key, feature in layout.cameras.items() if is_depth(key, feature)]
    return columns + [key for key in depths if not _is_quantised(layout, key)]


def read_whole(layout: Layout, episode: Episode, kept: slice = slice(None)) -> WholeEpisode:
    """An episode, or its rows `kept`; frames are decoded when they are taken.

    Raises:
        SourceError: A part is missing or damaged; of videos when the frames are taken.
    """
    rows = open_rows(layout.root, episode)
    contents = contents_of(layout)
    tasks, task_of_row = _tasks(layout, episode, rows)
    first, last, _ = kept.indices(rows.length)
    columns = {name: rows.column(name)[kept] for name in contents.columns}
    return WholeEpisode(
        columns={name: column.reshape(len(column), -1) for name, column in columns.items()},
        videos={key: _taken(_frames(layout, episode, rows, key), first, last) for key in contents.cameras},
        tasks=tasks,
        task_of_row=task_of_row[kept],
        facts=dict(episode.facts),
    )


def require_frames(layout: Layout, episode: Episode) -> None:
    """Decode all frames of an episode once, so that none is found missing while it is written.

    Raises:
        SourceError: A frame is missing or damaged, or the rows are.
    """
    for key, frames in read_whole(layout, episode).videos.items():
        n_found = sum(1 for _ in frames)
        if n_found != episode.length:
            raise SourceError(
                f"{episode.name}: {key} has {n_found} frames.",
                expected=f"one frame for each of {episode.length} rows",
                remedy=AGAIN,
            )


def _tasks(
    layout: Layout, episode: Episode, rows: EpisodeRows
) -> tuple[tuple[str, ...], Int[np.ndarray, " t"]]:
    """The instructions of an episode, and which of them each row belongs to."""
    numbers = np.zeros(rows.length, np.int64)
    if "task_index" not in rows.columns() or not layout.task_texts:
        return episode.tasks[:1], numbers
    found, numbers = np.unique(rows.column("task_index").reshape(-1), return_inverse=True)
    return tuple(layout.task_texts.get(int(number), "") for number in found), numbers.reshape(-1)


def _frames(layout: Layout, episode: Episode, rows: EpisodeRows, key: str) -> Frames:
    place = episode.videos.get(key)
    if place is None:
        return (image[..., ::-1] for image in rows.images(key, cv2.IMREAD_COLOR))
    path, wanted = inside(layout.root, place.file), range_of(layout, place, rows)
    if place.seconds is None:
        wanted = FrameRange(wanted.from_s, rows.length, wanted.tolerance_s)  # one frame for each row
    return iter_grey_range(path, wanted) if _is_quantised(layout, key) else iter_range(path, wanted)


def _taken(frames: Frames, first: int, last: int) -> Iterator[Shaped[np.ndarray, "h w *channels"]]:
    for number, frame in enumerate(frames):
        if first <= number < last:
            yield frame


def _is_quantised(layout: Layout, key: str) -> bool:
    feature = layout.cameras[key]
    is_coded = info_of(feature).get("video.pix_fmt") == QUANTISED and coding_of(feature) is not None
    return is_depth(key, feature) and is_coded
