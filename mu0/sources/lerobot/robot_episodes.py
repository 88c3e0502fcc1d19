"""Episodes of a LeRobotDataset as a policy learns from them, of whatever robot: states, actions, pictures.

An episode is used as a whole or not at all, and why it is not stands in the error: rows or a video are
missing, a state or an action is not a number, a camera has another number of frames than there are rows, time
has a gap. Nothing is filled in: a robot would be taught what nobody did.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from mu0.errors import SourceError
from mu0.files import inside
from mu0.sources.containers.video import iter_range, probe_video
from mu0.sources.lerobot.depth import is_depth
from mu0.sources.lerobot.depth_and_robot import ACTION, STATE
from mu0.sources.lerobot.episode_frames import instruction_of, range_of
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.places import Episode
from mu0.sources.lerobot.rows import EpisodeRows, open_rows

MIN_ROWS = 2
GAP_PERIODS = 1.5
"""Rows farther apart than so many periods of the dataset's rate have lost something between them."""
LEAVE_OUT = "record the episode again, or leave it out: the others are used."


@dataclass(frozen=True)
class RobotEpisode:
    """One usable episode; pictures are decoded by `camera_frames`."""

    episode: Episode
    state: Float32[np.ndarray, "t state"]
    action: Float32[np.ndarray, "t action"]
    instruction: str


def colour_cameras(layout: Layout) -> tuple[str, ...]:
    """The dataset's cameras that show colours, in its own order."""
    return tuple(key for key, feature in layout.cameras.items() if not is_depth(key, feature))


def read_robot_episode(layout: Layout, episode: Episode, cameras: tuple[str, ...]) -> RobotEpisode:
    """Read states and actions, and check that they can be learnt from; decodes no picture.

    Raises:
        SourceError: The episode cannot be used; says why.
    """
    if episode.fault is not None:
        raise episode.fault
    rows = open_rows(layout.root, episode)
    if rows.length < MIN_ROWS:
        raise _unusable(episode, f"{rows.length} row", f"at least {MIN_ROWS} rows")
    state, action = (_finite(episode, rows, name) for name in (STATE, ACTION))
    _require_even(episode, rows.seconds(layout.fps_hz), layout.fps_hz)
    for camera in cameras:
        _require_frames(layout, episode, rows, camera)
    return RobotEpisode(episode, state, action, instruction_of(layout, episode, rows)[0])


def camera_frames(layout: Layout, episode: Episode, camera: str) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Decode the pictures of one camera, one per row.

    Raises:
        SourceError: A picture is missing or damaged, or there are fewer than rows.
    """
    rows = open_rows(layout.root, episode)
    place = episode.videos.get(camera)
    if place is None:
        for image in rows.images(camera, cv2.IMREAD_COLOR):
            yield np.ascontiguousarray(image[..., ::-1])
        return
    yield from iter_range(inside(layout.root, place.file), range_of(layout, place, rows))


def _finite(episode: Episode, rows: EpisodeRows, name: str) -> Float32[np.ndarray, "t size"]:
    """A column of vectors without holes."""
    values = rows.column(name).astype(np.float32).reshape(rows.length, -1)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        found = f"{name} with NaN or infinity in {len(bad)} of {rows.length} rows, first in row {bad[0]}"
        raise _unusable(episode, found, "numbers")
    return values


def _require_even(episode: Episode, times_s: Float[np.ndarray, " t"], fps_hz: float) -> None:
    steps_s = np.diff(times_s)
    widest = int(steps_s.argmax())
    if steps_s[widest] > GAP_PERIODS / fps_hz:
        found = f"a gap of {steps_s[widest]:.3f} s behind row {widest}"
        raise _unusable(episode, found, f"a row every {1 / fps_hz:.3f} s")


def _require_frames(layout: Layout, episode: Episode, rows: EpisodeRows, camera: str) -> None:
    """A camera has one frame for each row, as far as metadata and file header tell."""
    place = episode.videos.get(camera)
    if place is None:
        if camera not in rows.columns():
            raise _unusable(episode, f"no pictures of {camera}", "every camera in every episode")
        return
    if place.seconds is not None:
        range_of(layout, place, rows)
        return
    n_frames = probe_video(inside(layout.root, place.file)).n_frames
    if n_frames is not None and n_frames != rows.length:
        raise _unusable(
            episode,
            f"{n_frames} frames of {camera} for {rows.length} rows",
            "one frame of every camera per row",
        )


def _unusable(episode: Episode, found: str, expected: str) -> SourceError:
    return SourceError(f"{episode.name} has {found}.", expected=expected, remedy=LEAVE_OUT)
