"""What lies below a person's folder: one item per video, frame folder or RGB-D folder, or why it is none.

Whatever an entry is (a link that leads nowhere or in a ring, a pipe, a folder that may not be entered) it
costs its own row and stops no other one.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mu0.errors import SourceError
from mu0.files import in_natural_order
from mu0.sources.containers.opening import VIDEO_SUFFIXES
from mu0.sources.faults import READING, fault_of, link_fault
from mu0.sources.item import require_folder, safe_name
from mu0.sources.own_files.companions import is_companion, is_data
from mu0.sources.own_files.frame_folders import is_one_clip, read_frame_folder

MAX_LEVELS = 3
COMPANION_SUFFIXES = frozenset({".txt", ".md", ".json", ".dvc", ".gitignore"})


@dataclass(frozen=True)
class FileItem:
    """One candidate for a clip; `fault` says why it cannot be one."""

    clip_id: str
    path: Path
    fault: SourceError | None = None


@dataclass(frozen=True)
class _Place:
    """A folder on the way: the names that led there, how deep may still be looked, and what lies above.

    `above` are the true places of the folders on the way, to which a link could lead back.
    """

    names: tuple[str, ...]
    levels: int
    above: frozenset[Path]

    def below(self, path: Path, true_place: Path) -> "_Place":
        return _Place((*self.names, path.name), self.levels - 1, self.above | {true_place})

    def id_of(self, name: str) -> str:
        return safe_name(*self.names, name)


def find_items(folder: Path) -> list[FileItem]:
    """Everything below `folder` that is or should be a clip, in order, with unique ids.

    Raises:
        SourceError: The folder does not exist or cannot be listed. An empty one is fine: it holds no clips.
    """
    require_folder(folder, "a folder for your videos; it may be empty")
    try:
        if is_one_clip(folder):
            return [FileItem(safe_name(folder.resolve().name), folder)]
        found = list(_walk(folder, _Place((), MAX_LEVELS, frozenset({folder.resolve()}))))
    except OSError as error:
        raise fault_of(error, folder) from error
    items: list[FileItem] = []
    taken: set[str] = set()
    for item in found:
        clip_id, number = item.clip_id, 2
        while clip_id in taken:
            clip_id, number = f"{item.clip_id}_{number}", number + 1
        taken.add(clip_id)
        items.append(replace(item, clip_id=clip_id))
    return items


def nothing_inside(path: Path, levels: int = MAX_LEVELS) -> SourceError:
    """The fault of a folder that is no clip and holds none, seen from `levels` above the deepest one."""
    is_deeper = levels < 1 and any(inner.is_dir() for inner in path.iterdir())
    deeper = f"; its folders lie deeper than {MAX_LEVELS} levels and were not looked through"
    return SourceError(
        f"The folder {path} holds no images and no videos (found 0){deeper * is_deeper}.",
        expected="frames as .jpg or .png, an RGB-D folder, or video files",
        remedy="fill it or remove it.",
    )


def _walk(folder: Path, place: _Place) -> Iterator[FileItem]:
    entries = in_natural_order(path for path in folder.iterdir() if not path.name.startswith("."))
    unknown: Counter[str] = Counter()
    for path in entries:
        try:
            unknown[path.suffix.lower()] += _is_unknown(path)
        except OSError:
            continue  # told below
    told: set[str] = set()
    for path in entries:
        try:
            yield from _entry(path, place, unknown, told)
        except (SourceError, *READING) as error:
            yield FileItem(place.id_of(path.name), path, fault_of(error, path))


def _entry(path: Path, place: _Place, unknown: Counter[str], told: set[str]) -> Iterator[FileItem]:
    clip_id, suffix = place.id_of(path.stem), path.suffix.lower()
    if path.is_dir():
        yield from _folder(path, place)
    elif not path.is_file():
        if suffix not in COMPANION_SUFFIXES:
            yield FileItem(clip_id, path, link_fault(path))
    elif suffix in VIDEO_SUFFIXES:
        if not is_companion(path):
            yield FileItem(clip_id, path)
    elif _is_unknown(path) and suffix not in told:
        told.add(suffix)
        yield FileItem(clip_id, path, _not_a_video(path, unknown[suffix] - 1))


def _folder(path: Path, place: _Place) -> Iterator[FileItem]:
    true_place = path.resolve()
    if true_place in place.above:
        raise _leads_back(path, true_place)
    if is_companion(path):
        return  # the note of the video that it is about names it
    inside = place.below(path, true_place)
    is_clip = read_frame_folder(path) is not None
    inner = [] if is_clip or inside.levels < 1 else list(_walk(path, inside))
    fault = None if is_clip or inner else nothing_inside(path, inside.levels)
    yield from inner or [FileItem(place.id_of(path.name), path, fault)]


def _is_unknown(path: Path) -> bool:
    """Whether a file is nothing that is known, nor data that the notes of clips beside it name."""
    return (
        path.is_file()
        and path.suffix.lower() not in VIDEO_SUFFIXES | COMPANION_SUFFIXES
        and not is_data(path)
    )


def _not_a_video(path: Path, n_more: int) -> SourceError:
    more = f", as that of {n_more} more files beside it" if n_more else ""
    return SourceError(
        f"{path} is not a video: its ending is {path.suffix!r}{more}.",
        expected=f"one of {', '.join(sorted(VIDEO_SUFFIXES))}, or a folder of images",
        remedy="convert it, or move it out of the folder.",
    )


def _leads_back(path: Path, true_place: Path) -> SourceError:
    return SourceError(
        f"{path} leads back to {true_place}, a folder above it.",
        expected="folders that end somewhere",
        remedy="remove the link.",
    )
