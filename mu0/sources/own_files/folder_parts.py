"""Where in a clip's folder the frames, the depth images and the words lie."""

from pathlib import Path

from mu0.errors import SourceError
from mu0.files import in_natural_order
from mu0.sources.own_files.camera_files import find_camera_file
from mu0.sources.own_files.picture_rows import COLOUR_WORDS, OTHER_WORDS, words_of
from mu0.sources.own_files.pose_files import find_pose_files

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm"})
DEPTH_SUFFIXES = frozenset({".png", ".npy", ".tif", ".tiff", ".pgm"})
COLOUR_FOLDERS = ("color", "colour", "rgb", "image", "images")
DEPTH_FOLDERS = ("depth", "depth_raw")
MORE_COLOUR_WORDS = COLOUR_WORDS | {"images", "imgs", "frames", "results", "colors"}
NOT_DEPTH_WORDS = frozenset(
    {"confidence", "conf", "vis", "viz", "color", "colour", "colored", "preview", "mask"}
)
INSTRUCTION_NAMES = ("lang.txt", "description.txt", "task.txt", "instruction.txt")


def colour_folder_of(folder: Path) -> Path:
    """Where the frames lie: a folder with a usual name, else one named so beside depth, a camera or poses."""
    usual = next((folder / name for name in COLOUR_FOLDERS if (folder / name).is_dir()), None)
    if usual is not None:
        return usual
    named = [
        path
        for path in _folders_in(folder)
        if words_of(path.name) & MORE_COLOUR_WORDS and not words_of(path.name) & OTHER_WORDS
    ]
    if len(named) != 1 or images_in(folder, IMAGE_SUFFIXES) or not images_in(named[0], IMAGE_SUFFIXES):
        return folder
    is_clip = bool(_depth_folders(folder) or find_camera_file(folder) or find_pose_files(folder, folder))
    return named[0] if is_clip else folder


def depth_folder_of(folder: Path) -> Path | None:
    """Where depth images lie beside the frames, None if nowhere.

    Raises:
        SourceError: There are several such folders, or nothing readable lies in it.
    """
    usual = [folder / name for name in DEPTH_FOLDERS if (folder / name).is_dir()]
    found = usual[:1] or _depth_folders(folder)
    if len(found) > 1:
        raise SourceError(
            f"{folder} holds several folders of depth: {', '.join(path.name for path in found)}.",
            expected="one folder of depth images, registered to the frames",
            remedy="name the right one depth, or move the others away.",
        )
    if found and not images_in(found[0], DEPTH_SUFFIXES):
        endings = sorted({path.suffix or path.name for path in found[0].iterdir()})
        raise SourceError(
            f"{found[0]} holds no depth image that can be read: {', '.join(endings) or 'it is empty'}.",
            expected=f"files that end in {', '.join(sorted(DEPTH_SUFFIXES))}",
            remedy="export depth as 16-bit PNG in millimetres, or remove the folder.",
        )
    return found[0] if found else None


def images_in(folder: Path, suffixes: frozenset[str]) -> tuple[Path, ...]:
    """The files with one of these endings in natural order: digits are compared as numbers."""
    paths = [p for p in folder.iterdir() if p.suffix.lower() in suffixes and not p.name.startswith(".")]
    return tuple(in_natural_order(path for path in paths if not path.is_dir()))


def instruction_files(path: Path) -> list[Path]:
    """Where the instruction of a video or folder may stand, the first that exists counts."""
    beside = path.with_name(f"{path.name if path.is_dir() else path.stem}.txt")
    return [*(path / name for name in INSTRUCTION_NAMES), beside] if path.is_dir() else [beside]


def _depth_folders(folder: Path) -> list[Path]:
    return [
        path
        for path in _folders_in(folder)
        if "depth" in path.name.casefold()
        and not words_of(path.name) & NOT_DEPTH_WORDS
        and images_in(path, DEPTH_SUFFIXES)
    ]


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
