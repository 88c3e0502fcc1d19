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
from functools import partial
from pathlib import Path
from typing import final

from mu0.files import sha256_of, sha256_of_tree
from mu0.params.raw_videos import FilesSource, FolderSource
from mu0.sources.clip.on_disk import Clip, ClipInfo
from mu0.sources.item import AbstractSource, SourceItem
from mu0.sources.own_files.companions import companions_of, data_above
from mu0.sources.own_files.folder_parts import instruction_files
from mu0.sources.own_files.frame_folders import read_frame_folder
from mu0.sources.own_files.listing import FileItem, find_items, nothing_inside
from mu0.sources.own_files.writing import camera_beside, joined, write_folder_item, write_video_item
from mu0.text_files import Text, read_text

__all__ = ["FileItem", "FilesReader", "find_items", "fingerprint", "read_instruction", "write_item"]


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


def fingerprint(item: FileItem) -> str:
    """A hash of all bytes that the item's clip depends on, its instruction and camera included."""
    content = sha256_of(item.path) if item.path.is_file() else sha256_of_tree(item.path)
    camera = camera_beside(item.path)
    text = read_instruction(item.path)
    parts = [item.clip_id, content, text.text, text.note, sha256_of(camera) if camera else ""]
    if item.path.is_file() and item.fault is None:
        found = companions_of(item.path)
        parts += [found.note, *(sha256_of(path) for path in found.files())]
    elif item.fault is None:
        parts.append(data_above(item.path))
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
    text = read_instruction(item.path)
    info = ClipInfo(
        clip_id=item.clip_id,
        source=source,
        fps_hz=frame_rate_hz,
        n_frames=0,
        width_px=0,
        height_px=0,
        instruction=text.text,
        scene_id=f"{source}/{item.clip_id}",
        licence=options.licence,
        note=joined(text.note, data_above(item.path)) if item.path.is_dir() else text.note,
    )
    if item.path.is_file():
        return write_video_item(item.path, folder, info, options)
    frames = read_frame_folder(item.path)
    if frames is None:
        raise nothing_inside(item.path)
    return write_folder_item(frames, folder, info, options)


def read_instruction(path: Path) -> Text:
    """The instruction that belongs to a video or folder: the first non-empty line of its text file.

    Its note tells where the encoding was a guess, or what lies there in place of a text.
    """
    for place in instruction_files(path):
        if place.is_file():
            found = read_text(place)
            lines = [line.strip() for line in found.text.splitlines()]
            told = (line for line in lines if line and not line.startswith("confidence:"))
            return Text(next(told, ""), found.note)
    return Text("")
