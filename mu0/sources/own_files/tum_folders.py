"""Folders in TUM's layout: rgb.txt, and depth.txt where there is depth, with lines `time file`.

In place of both, associations.txt may hold lines `time file time file`.
"""

from pathlib import Path

import numpy as np

from mu0.errors import SourceError
from mu0.sources.own_files.folder_parts import IMAGE_SUFFIXES, images_in
from mu0.sources.own_files.framed_clip import FrameFolder, sized_camera
from mu0.sources.own_files.picture_rows import WORDS_OF_KIND, kind_of_row, words_of
from mu0.sources.own_files.pose_files import find_pose_files, frames_with_pose
from mu0.sources.own_files.time_lists import (
    MAX_TIME_GAP_S,
    TimeList,
    nearest,
    read_time_list,
    require_rate,
    time_unit,
)

UNITS_PER_M = 5000.0
ASSOCIATIONS = ("associations.txt", "association.txt", "associate.txt", "associated.txt")


def has_lists(folder: Path) -> bool:
    """Whether lists of times say which images are the frames."""
    return any((folder / name).is_file() for name in ("rgb.txt", *ASSOCIATIONS))


def _lists_of(folder: Path) -> tuple[TimeList, TimeList | None, list[Path]]:
    """The list of frames, that of depth images if there is one, and the files that they stand in."""
    paths = [folder / name for name in ("rgb.txt", "depth.txt") if (folder / name).is_file()]
    if paths and paths[0].name == "rgb.txt":
        return read_time_list(paths[0]), read_time_list(paths[1]) if len(paths) > 1 else None, paths
    path = next(folder / name for name in ASSOCIATIONS if (folder / name).is_file())
    first, second = read_time_list(path, 0), read_time_list(path, 1)
    is_depth_first = "depth" in words_of(first.files[0].relative_to(folder).as_posix())
    return (second, first, [path]) if is_depth_first else (first, second, [path])


def read_tum(folder: Path) -> FrameFolder:
    """Read the lists and match depth and poses by time.

    Raises:
        SourceError: A list is damaged, its times are no camera's, or no depth lies near a frame.
    """
    frame_list, depth_list, lists = _lists_of(folder)
    colour, note = frame_list.in_order()
    per_s, unit_note = time_unit(colour.times)
    times_s = colour.times / per_s
    require_rate(colour.path, times_s)
    notes = [note, unit_note]
    frames, depth = np.array(colour.files, dtype=object), np.array([], dtype=object)
    all_frames = colour.files
    if depth_list is not None:
        found, note = depth_list.in_order()
        index, gap_s = nearest(times_s, found.times / per_s)
        near = gap_s <= MAX_TIME_GAP_S
        if not near.any():
            raise _no_pairs(folder)
        notes += [note, counted(int((~near).sum()), len(times_s), "depth")]
        times_s, frames = times_s[near], frames[near]
        depth = np.array(found.files, dtype=object)[index[near]]
    poses = find_pose_files(folder, frames[0].parent)
    has_pose = frames_with_pose(poses, times_s, per_s)
    if has_pose.any() and not has_pose.all():
        notes.append(counted(int((~has_pose).sum()), len(times_s), "pose"))
        times_s, frames = times_s[has_pose], frames[has_pose]
        depth = depth[has_pose] if len(depth) else depth
    if kind_of_row(frames) == "deep":
        raise _no_pictures(colour.path, frames[0])
    camera = sized_camera(folder, frames[0])
    if camera.has_own_depth_camera and camera.colour_from_depth is None:
        depth = depth[:0]
    return FrameFolder(
        folder,
        tuple(frames),
        tuple(depth),
        tuple(times_s.tolist()),
        camera,
        all_colour=all_frames,
        unit_per_s=per_s,
        usual_units_per_m=UNITS_PER_M,
        poses=poses,
        notes=(*notes, _unlisted(frames[0].parent, set(all_frames))),
        used=tuple(lists),
    )


def counted(n_lost: int, n_all: int, what: str) -> str:
    """The note on frames that were left out."""
    return f"{n_lost} of {n_all} frames were left out: no {what} at their time" if n_lost else ""


def _unlisted(place: Path, listed: set[Path]) -> str:
    n_left = sum(path not in listed for path in images_in(place, IMAGE_SUFFIXES))
    return f"{n_left} images in {place.name}/ are not in rgb.txt" if n_left else ""


def _no_pictures(path: Path, first: Path) -> SourceError:
    return SourceError(
        f"{path} lists {first.name}, which is {WORDS_OF_KIND['deep']}.",
        expected="frames in colour, and depth in depth.txt",
        remedy="correct the list.",
    )


def _no_pairs(folder: Path) -> SourceError:
    return SourceError(
        f"{folder}: no image of rgb.txt lies within {MAX_TIME_GAP_S} s of one of depth.txt.",
        expected="two lists with the same clock",
        remedy="correct the times in rgb.txt and depth.txt.",
    )
