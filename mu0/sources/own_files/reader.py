"""A person's own videos: everything below one folder, each item becoming one clip or one row with a reason.

What counts as an item
    clip.mp4 (.mov .mkv .webm ...)   kept as it is; `clip.txt` beside it holds its instruction, `clip.json`
                                     its camera (as `mu0.sources.calibration` reads it)
    folder of frames, RGB-D folder   shapes in `mu0.sources.own_files.frame_folders`; instruction in lang.txt,
                                     description.txt, task.txt, or `<folder>.txt` beside it
    folder of such items             looked through, three levels deep; ids are joined by "__"
A damaged item never stops the others: it is told in the index and left out.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

import numpy as np

from mu0.errors import SourceError
from mu0.files import sha256_of, sha256_of_tree
from mu0.params.raw_videos import FilesSource, FolderSource
from mu0.sources.calibration import Calibration, read_calibration
from mu0.sources.clip.on_disk import Clip, ClipInfo, FrameTimes, write_clip
from mu0.sources.containers.opening import VIDEO_SUFFIXES
from mu0.sources.containers.timing import grid_indices
from mu0.sources.containers.video import probe_video, scan_video
from mu0.sources.dataset_clip import MIN_FRAMES, RecordedCamera, clip_camera, with_camera
from mu0.sources.item import AbstractSource, SourceItem, require_folder, safe_name
from mu0.sources.own_files.frame_folders import FrameFolder, read_frame_folder

MAX_LEVELS = 3
INSTRUCTION_NAMES = ("lang.txt", "description.txt", "task.txt", "instruction.txt")
COMPANION_SUFFIXES = frozenset({".txt", ".md", ".json", ".dvc", ".gitignore"})


@dataclass(frozen=True)
class FileItem:
    """One candidate for a clip; `fault` says why it cannot be one."""

    clip_id: str
    path: Path
    fault: SourceError | None = None


@final
class FilesReader(AbstractSource):
    """The source of kind `files`."""

    def __init__(self, name: str, params: FilesSource) -> None:
        self._name = name
        self._params = params

    def items(self) -> Iterator[SourceItem]:
        """One item per video, frame folder or RGB-D folder; raises as `find_items`."""
        for item in find_items(Path(self._params.folder)):
            yield SourceItem(
                item.clip_id,
                fingerprint=partial(fingerprint, item),
                write=partial(self._write, item),
                fault=item.fault,
            )

    def _write(self, item: FileItem, folder: Path) -> Clip:
        return write_item(item, folder, self._name, self._params.frame_rate_hz, self._params)


def find_items(folder: Path) -> list[FileItem]:
    """Everything below `folder` that is or should be a clip, in order, with unique ids.

    Raises:
        SourceError: The folder does not exist. An empty folder is fine: it holds no clips.
    """
    require_folder(folder, "a folder for your videos; it may be empty")
    items: list[FileItem] = []
    taken: set[str] = set()
    for item in _walk(folder, (), MAX_LEVELS):
        clip_id, number = item.clip_id, 2
        while clip_id in taken:
            clip_id, number = f"{item.clip_id}_{number}", number + 1
        taken.add(clip_id)
        items.append(replace(item, clip_id=clip_id))
    return items


def fingerprint(item: FileItem) -> str:
    """A hash of all bytes that the item's clip depends on, its instruction and camera included."""
    content = sha256_of(item.path) if item.path.is_file() else sha256_of_tree(item.path)
    camera = _camera_beside(item.path)
    parts = (item.clip_id, content, read_instruction(item.path), sha256_of(camera) if camera else "")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def write_item(
    item: FileItem, folder: Path, source: str, frame_rate_hz: float, options: FolderSource | None = None
) -> Clip:
    """Turn an item into a clip folder; every frame is decoded once, so that faults show here and not later.

    Args:
        item: What `find_items` found.
        folder: The clip folder to write.
        source: The source's name in params.yaml.
        frame_rate_hz: Rate of frame folders that do not tell theirs.
        options: The source's section: camera, rate to resample to, licence.

    Raises:
        SourceError: The item is damaged or its parts do not fit together; nothing is written.
    """
    if item.fault is not None:
        raise item.fault
    options = options or FolderSource(folder=".")
    info = ClipInfo(
        clip_id=item.clip_id,
        source=source,
        fps_hz=frame_rate_hz,
        n_frames=0,
        width_px=0,
        height_px=0,
        instruction=read_instruction(item.path),
        scene_id=f"{source}/{item.clip_id}",
        licence=options.licence,
    )
    if item.path.is_file():
        return _write_video_item(item.path, folder, info, options)
    frames = read_frame_folder(item.path)
    if frames is None:
        raise _nothing_inside(item.path)
    return _write_folder_item(frames, folder, info, options)


def read_instruction(path: Path) -> str:
    """The instruction that belongs to a video or folder: the first non-empty line of its text file."""
    places = [path.with_name(f"{path.name if path.is_dir() else path.stem}.txt")]
    if path.is_dir():
        places = [*(path / name for name in INSTRUCTION_NAMES), *places]
    for place in places:
        if place.is_file():
            lines = [line.strip() for line in place.read_text(errors="replace").splitlines()]
            return next((line for line in lines if line and not line.startswith("confidence:")), "")
    return ""


def _walk(folder: Path, parents: tuple[str, ...], levels: int) -> Iterator[FileItem]:
    entries = sorted((p for p in folder.iterdir() if not p.name.startswith(".")), key=lambda p: p.name)
    for path in entries:
        clip_id = "__".join([*parents, safe_name(path.stem if path.is_file() else path.name)])
        if path.is_file():
            if path.suffix.lower() in VIDEO_SUFFIXES:
                yield FileItem(clip_id, path)
            elif path.suffix.lower() not in COMPANION_SUFFIXES:
                yield FileItem(clip_id, path, _not_a_video(path))
            continue
        yield from _walk_folder(path, clip_id, (*parents, safe_name(path.name)), levels)


def _walk_folder(path: Path, clip_id: str, parents: tuple[str, ...], levels: int) -> Iterator[FileItem]:
    try:
        is_clip = read_frame_folder(path) is not None
    except SourceError as error:
        yield FileItem(clip_id, path, error)
        return
    inner = [] if is_clip or levels <= 1 else list(_walk(path, parents, levels - 1))
    yield from inner or [FileItem(clip_id, path, None if is_clip else _nothing_inside(path))]


def _camera_beside(path: Path) -> Path | None:
    """The camera of a video file: a calibration file of its name, `clip.json` beside `clip.mp4`."""
    camera = path.with_suffix(".json")
    return camera if path.is_file() and camera.is_file() else None


def _write_video_item(path: Path, folder: Path, info: ClipInfo, options: FolderSource) -> Clip:
    header = probe_video(path)
    rate_hz = options.resample_hz or header.fps_hz
    scan = scan_video(path, rate_hz)
    n_frames = len(scan.time_s)
    if n_frames < MIN_FRAMES:
        raise _one_frame(path, "the file, or record a longer video")
    size_px = (header.height_px, header.width_px)
    beside = _camera_beside(path)
    own = read_calibration(beside) if beside else Calibration()
    recorded = RecordedCamera(
        intrinsics=own.intrinsics_for(size_px, str(beside)),
        camera_from_world=own.fixed_poses(n_frames),
        hand_eye_source="none" if own.camera_from_base is None else "data",
    )
    camera = clip_camera(options, size_px, recorded, np.arange(n_frames))
    info = replace(
        with_camera(replace(info, note=scan.note()), camera),
        fps_hz=rate_hz,
        n_frames=n_frames,
        width_px=header.width_px,
        height_px=header.height_px,
        video=f"video{path.suffix.lower()}",
    )
    return write_clip(
        folder,
        info,
        path,
        intrinsics=camera.intrinsics,
        camera_from_world=camera.camera_from_world,
        times=FrameTimes(scan.source_frame, scan.time_s),
    )


def _write_folder_item(frames: FrameFolder, folder: Path, info: ClipInfo, options: FolderSource) -> Clip:
    if len(frames.colour) < MIN_FRAMES:
        raise _one_frame(frames.folder, "the folder, or add the missing frames")
    fps_hz = frames.fps_hz(info.fps_hz)
    times_s = frames.seconds(fps_hz)
    picked = grid_indices(times_s, options.resample_hz)
    first = next(frames.frames())
    size_px = (first.shape[0], first.shape[1])
    recorded = RecordedCamera(frames.camera.intrinsics, frames.camera_from_world())
    camera = clip_camera(options, size_px, recorded, picked)
    chosen = frames.take(picked)
    note = "; ".join(part for part in (frames.note(), camera.note) if part)
    return write_clip(
        folder,
        replace(
            with_camera(info, camera), fps_hz=options.resample_hz or fps_hz, video="video.mkv", note=note
        ),
        chosen.frames(),
        depth_m=chosen.depth_m(size_px) if chosen.depth else None,
        intrinsics=camera.intrinsics,
        camera_from_world=camera.camera_from_world,
        times=FrameTimes(picked, times_s[picked]),
    )


def _one_frame(path: Path, what: str) -> SourceError:
    return SourceError(
        f"{path} holds one frame.",
        expected="at least two frames; motion cannot be seen in one",
        remedy=f"remove {what}.",
    )


def _not_a_video(path: Path) -> SourceError:
    return SourceError(
        f"{path} is not a video: its ending is {path.suffix!r}.",
        expected=f"one of {', '.join(sorted(VIDEO_SUFFIXES))}, or a folder of images",
        remedy="convert it, or move it out of the folder.",
    )


def _nothing_inside(path: Path) -> SourceError:
    return SourceError(
        f"The folder {path} holds no images and no videos (found 0).",
        expected="frames as .jpg or .png, an RGB-D folder, or video files",
        remedy="fill it or remove it.",
    )
