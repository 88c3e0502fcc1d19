"""Folders that are one clip: frames as images, with depth images beside them or without.

    frames   a.jpg b.jpg ... in natural order (im_2 before im_10), here or in color|colour|rgb|image(s)/
    RGB-D    the same plus depth images, in depth/ or between the frames; whole numbers are millimetres,
             floating-point numbers (.npy) metres, unless the camera file tells its scale
    TUM      rgb.txt and depth.txt with lines `time file`; depth is 16-bit with 5000 per metre

Depth belongs to frames by number or time (`pairing`), never by place. Where the parts lie says
`folder_parts`, which pictures are frames `picture_rows`; lists of times are read by `tum_folders`, cameras by
`camera_files`, poses by `pose_files`; what is left over tells `beside`.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from mu0.errors import SourceError
from mu0.sources.containers.opening import VIDEO_SUFFIXES
from mu0.sources.own_files.camera_files import CameraFile, find_camera_file
from mu0.sources.own_files.folder_parts import (
    DEPTH_FOLDERS,
    DEPTH_SUFFIXES,
    IMAGE_SUFFIXES,
    MORE_COLOUR_WORDS,
    colour_folder_of,
    depth_folder_of,
    images_in,
)
from mu0.sources.own_files.framed_clip import FrameFolder, sized_camera
from mu0.sources.own_files.pairing import pair
from mu0.sources.own_files.picture_rows import OTHER_WORDS, numbers_of, row_in, words_of
from mu0.sources.own_files.pose_files import find_pose_files
from mu0.sources.own_files.time_lists import times_beside, times_of_names
from mu0.sources.own_files.tum_folders import has_lists, read_tum

PART_WORDS = OTHER_WORDS | MORE_COLOUR_WORDS | {"pose", "poses", "intrinsic", "intrinsics", "calib", "camera"}


def read_frame_folder(folder: Path) -> FrameFolder | None:
    """Recognise a folder of frames, with or without depth; None where it is neither.

    Raises:
        SourceError: It is such a folder, but its parts do not fit together.
    """
    if has_lists(folder):
        return read_tum(folder)
    place = colour_folder_of(folder)
    row = row_in(place, images_in(place, IMAGE_SUFFIXES | DEPTH_SUFFIXES))
    if not row.frames and not row.depth:
        return None
    if not row.frames:
        raise _only_depth(place, len(row.depth))
    depth_place = None if row.depth else depth_folder_of(folder)
    depth = row.depth if depth_place is None else _depth_in(depth_place)
    camera = sized_camera(folder, row.frames[0])
    if camera.has_own_depth_camera and camera.colour_from_depth is None:
        depth = ()  # the pixels of depth and colour do not match, and nothing says how they would: see note()
    frames, note = row.frames, ""
    if depth:
        (frames, depth), note = pair(folder, frames, depth)
    times_s, times_path = _times_of(folder, row.frames)
    if times_s is not None and len(frames) < len(row.frames):
        kept = set(frames)
        times_s = times_s[[path in kept for path in row.frames]]
    return FrameFolder(
        folder,
        frames,
        depth,
        () if times_s is None else tuple(times_s.tolist()),
        camera,
        all_colour=row.frames,
        poses=find_pose_files(folder, place),
        notes=(
            row.note(camera.path),
            note,
            _unit_note(camera) if row.depth and depth else "",
            _gap_note(row.frames),
        ),
        used=(*row.depth, *row.others, place, *(path for path in (depth_place, times_path) if path)),
    )


def is_one_clip(root: Path) -> bool:
    """Whether a source's own folder is a recording, and not a folder of recordings.

    It holds lists or frames itself, or frames in a folder beside depth or a camera; no videos, and no folders
    but those of a recording's parts.
    """
    entries = [path for path in root.iterdir() if not path.name.startswith(".")]
    if any(path.suffix.lower() in VIDEO_SUFFIXES or _may_be_a_clip(path) for path in entries):
        return False
    if has_lists(root) or len(images_in(root, IMAGE_SUFFIXES)) > 1:
        return True
    place = colour_folder_of(root)
    return place != root and bool(find_camera_file(root) or any((root / n).is_dir() for n in DEPTH_FOLDERS))


def _may_be_a_clip(path: Path) -> bool:
    return path.is_dir() and not words_of(path.name) & PART_WORDS


def _times_of(folder: Path, frames: tuple[Path, ...]) -> tuple[Float[np.ndarray, " t"] | None, Path | None]:
    """Times of the frames: in a list, else in their names."""
    times_s, path = times_beside(folder, len(frames))
    return (times_of_names(frames), None) if times_s is None else (times_s, path)


def _gap_note(frames: tuple[Path, ...]) -> str:
    """How many frames are missing, if names count them; an even rate is assumed over the gaps."""
    numbers = [number for number in numbers_of(frames) if number is not None]
    if len(numbers) < 3 or any(decimals for _, decimals in numbers):
        return ""
    steps = np.diff([whole for whole, _ in numbers])
    usual = float(np.median(steps))
    n_missing = round(float((steps / usual - 1).clip(0).sum())) if usual > 0 else 0
    return f"{n_missing} numbers are missing between the frames" if 0 < n_missing <= len(frames) else ""


def _unit_note(camera: CameraFile) -> str:
    """Datasets that keep depth between the frames use many units: Replica 6553.5 per metre, 7-Scenes 1000."""
    if camera.depth_units_per_m is not None:
        return ""
    return "nothing tells the unit of depth: whole numbers count as millimetres"


def _depth_in(folder: Path) -> tuple[Path, ...]:
    row = row_in(folder, images_in(folder, DEPTH_SUFFIXES))
    if not row.depth:
        first = (row.frames or row.others)[0]
        raise SourceError(
            f"{folder} holds pictures of 8 bits such as {first.name}, which are no depth.",
            expected="one channel of 16 bits (millimetres), or .npy of metres",
            remedy="export depth as 16-bit PNG, or rename the folder.",
        )
    return row.depth


def _only_depth(folder: Path, n_images: int) -> SourceError:
    return SourceError(
        f"{folder} holds {n_images} images of one channel of 16 bits or more, and no frames to them.",
        expected="frames of 8 bits, and depth in a folder depth/ beside them",
        remedy="put the frames beside the depth, or convert pictures of 16 bits to 8.",
    )
