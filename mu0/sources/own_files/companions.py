"""What lies beside a video and belongs to it: its depth, masks of it, its camera; and what was not used.

`take_depth.mkv` belongs to `take_color.mp4` or `take.mp4`, for their names are equal without the words for
what is in them. Such a video is no clip of its own. Of 10 to 16 bits of grey it is depth; with 8 bits it is a
picture of depth, which holds no metres.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from mu0.sources.containers.opening import VIDEO_SUFFIXES
from mu0.sources.containers.video import GREY_FORMATS, pixel_format, probe_video
from mu0.sources.own_files.beside import told
from mu0.sources.own_files.camera_files import CameraFile, find_camera_file, read_camera_file
from mu0.sources.own_files.picture_rows import COLOUR_WORDS, OTHER_WORDS, words_of

PLAIN_WORDS = COLOUR_WORDS | {"video", "vid", "movie", "images", "frames"}
DATA_WORDS = frozenset(
    {"camera", "cameras", "cam", "intrinsic", "intrinsics", "extrinsics", "calib", "calibration", "pose",
     "poses", "traj", "trajectory", "groundtruth", "odometry", "timestamps", "times",
     "depth", "imu", "metadata"}
)  # fmt: skip
DATA_SUFFIXES = frozenset(
    {".json", ".txt", ".csv", ".yaml", ".yml", ".npz", ".npy", ".h5", ".hdf5", ".bin", ".log"}
)


@dataclass(frozen=True)
class Companions:
    """What belongs to one video: a depth video, a camera file of another name, and a note on the rest."""

    depth: Path | None = None
    camera: CameraFile = field(default_factory=CameraFile)
    note: str = ""

    def files(self) -> list[Path]:
        """Those that the clip depends on."""
        return [path for path in (self.depth, self.camera.path) if path is not None]


def is_companion(path: Path) -> bool:
    """Whether a video, or a folder of pictures, is about another video beside it, by their names."""
    if not words_of(path.stem) & OTHER_WORDS:
        return False
    return any(
        other != path and not words_of(other.stem) & OTHER_WORDS and _base(other) == _base(path)
        for other in _videos_in(path.parent)
    )


def _folders_of(video: Path) -> list[str]:
    """Folders beside a video that are about it, such as confidence/ beside rgb.mp4."""
    beside = (path for path in sorted(video.parent.iterdir()) if path.is_dir())
    return [f"{path.name}/" for path in beside if is_companion(path) and _base(path) == _base(video)]


def companions_of(path: Path) -> Companions:
    """What lies beside a video that is a clip.

    Raises:
        SourceError: A video or a camera beside it cannot be read.
    """
    videos = [
        other for other in _videos_in(path.parent) if is_companion(other) and _base(other) == _base(path)
    ]
    deep = [
        other for other in videos if "depth" in words_of(other.stem) and pixel_format(other) in GREY_FORMATS
    ]
    depth = deep[0] if len(deep) == 1 and _size(deep[0]) == _size(path) else None
    left = [other.name for other in videos if other != depth] + _folders_of(path)
    camera = CameraFile()
    if not path.with_suffix(".json").is_file() and _is_alone(path):
        found = find_camera_file(path.parent)
        camera = read_camera_file(path.parent) if found is not None and found.suffix != ".npz" else camera
    left += [
        other.name
        for other in sorted(path.parent.iterdir())
        if other.is_file() and other != camera.path and _is_data_of(other, path)
    ]
    return Companions(depth, camera, told(left))


def is_data(path: Path) -> bool:
    """Whether a file is data by its name, such as calib.txt or odometry.csv."""
    return path.suffix.lower() in DATA_SUFFIXES and bool(words_of(path.stem) & DATA_WORDS)


def data_above(folder: Path) -> str:
    """The note on data beside a folder of frames, such as KITTI's calib.txt beside image_2/."""
    siblings = {path.name for path in folder.parent.iterdir() if path.is_dir()}
    siblings |= {path.stem for path in _videos_in(folder.parent)}
    found = (path for path in sorted(folder.parent.iterdir()) if is_data(path) and path.is_file())
    return told([f"../{path.name}" for path in found if path.stem not in siblings])


def _is_alone(path: Path) -> bool:
    return [other for other in _videos_in(path.parent) if not is_companion(other)] == [path]


def _is_data_of(other: Path, video: Path) -> bool:
    """Whether a file holds data for this video: by its name, or by that of data and nobody else's."""
    if other.suffix.lower() not in DATA_SUFFIXES or other in {
        video.with_suffix(".txt"),
        video.with_suffix(".json"),
    }:
        return False
    if any(other.stem == another.stem != video.stem for another in _videos_in(video.parent)):
        return False
    own = _base(video)
    return (
        other.stem == video.stem
        or (bool(own) and _base(other)[: len(own)] == own)
        or bool(words_of(other.stem) & DATA_WORDS)
    )


def _base(path: Path) -> tuple[str, ...]:
    parts = re.findall(r"[a-z]+|[0-9]+", path.stem.casefold())
    return tuple(part for part in parts if part not in PLAIN_WORDS | OTHER_WORDS)


def _videos_in(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
    ]


def _size(path: Path) -> tuple[int, int]:
    header = probe_video(path)
    return header.height_px, header.width_px
