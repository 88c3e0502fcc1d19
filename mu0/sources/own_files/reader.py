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
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

from mu0.errors import SourceError
from mu0.files import in_natural_order, sha256_of, sha256_of_tree
from mu0.params.raw_videos import FilesSource, FolderSource
from mu0.sources.clip.on_disk import Clip, ClipInfo
from mu0.sources.containers.opening import VIDEO_SUFFIXES
from mu0.sources.item import AbstractSource, SourceItem, require_folder, safe_name
from mu0.sources.own_files.companions import companions_of, is_companion
from mu0.sources.own_files.folder_parts import instruction_files
from mu0.sources.own_files.frame_folders import is_one_clip, read_frame_folder
from mu0.sources.own_files.writing import camera_beside, write_folder_item, write_video_item

MAX_LEVELS = 3
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
    if is_one_clip(folder):
        return [FileItem(safe_name(folder.resolve().name), folder)]
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
    camera = camera_beside(item.path)
    parts = [item.clip_id, content, read_instruction(item.path), sha256_of(camera) if camera else ""]
    if item.path.is_file() and item.fault is None:
        found = companions_of(item.path)
        parts += [found.note, *(sha256_of(path) for path in found.files())]
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
        return write_video_item(item.path, folder, info, options)
    frames = read_frame_folder(item.path)
    if frames is None:
        raise _nothing_inside(item.path)
    return write_folder_item(frames, folder, info, options)


def read_instruction(path: Path) -> str:
    """The instruction that belongs to a video or folder: the first non-empty line of its text file."""
    for place in instruction_files(path):
        if place.is_file():
            lines = [line.strip() for line in place.read_text(errors="replace").splitlines()]
            return next((line for line in lines if line and not line.startswith("confidence:")), "")
    return ""


def _walk(folder: Path, parents: tuple[str, ...], levels: int) -> Iterator[FileItem]:
    entries = in_natural_order(path for path in folder.iterdir() if not path.name.startswith("."))
    unknown = Counter(path.suffix.lower() for path in entries if _is_unknown(path))
    told: set[str] = set()
    for path in entries:
        clip_id = "__".join([*parents, safe_name(path.stem if path.is_file() else path.name)])
        if path.is_file():
            if path.suffix.lower() in VIDEO_SUFFIXES:
                if not is_companion(path):
                    yield FileItem(clip_id, path)
            elif _is_unknown(path) and path.suffix.lower() not in told:
                told.add(path.suffix.lower())
                yield FileItem(clip_id, path, _not_a_video(path, unknown[path.suffix.lower()] - 1))
            continue
        yield from _walk_folder(path, clip_id, (*parents, safe_name(path.name)), levels)


def _is_unknown(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() not in VIDEO_SUFFIXES | COMPANION_SUFFIXES


def _walk_folder(path: Path, clip_id: str, parents: tuple[str, ...], levels: int) -> Iterator[FileItem]:
    if is_companion(path):
        return  # the note of the video that it is about names it
    try:
        is_clip = read_frame_folder(path) is not None
    except SourceError as error:
        yield FileItem(clip_id, path, error)
        return
    inner = [] if is_clip or levels <= 1 else list(_walk(path, parents, levels - 1))
    yield from inner or [FileItem(clip_id, path, None if is_clip else _nothing_inside(path))]


def _not_a_video(path: Path, n_more: int) -> SourceError:
    more = f", as that of {n_more} more files beside it" if n_more else ""
    return SourceError(
        f"{path} is not a video: its ending is {path.suffix!r}{more}.",
        expected=f"one of {', '.join(sorted(VIDEO_SUFFIXES))}, or a folder of images",
        remedy="convert it, or move it out of the folder.",
    )


def _nothing_inside(path: Path) -> SourceError:
    return SourceError(
        f"The folder {path} holds no images and no videos (found 0).",
        expected="frames as .jpg or .png, an RGB-D folder, or video files",
        remedy="fill it or remove it.",
    )
