"""Which reader belongs to which `kind` of params.yaml; a reader's module is imported when it is used."""

from dataclasses import dataclass
from importlib import import_module

from mu0.params.raw_videos import DatasetSource, FilesSource
from mu0.sources.clip.cache import CLIP_CODE
from mu0.sources.item import AbstractSource

JPEG_CODE = ("sources/jpeg_video.py", "sources/containers/crc32c.py", "sources/dataset_clip.py")
TFRECORD_CODE = ("sources/containers/tfrecord.py", "geometry/rigid.py", *JPEG_CODE)
VIDEO_CODE = ("sources/dataset_clip.py", "geometry/rigid.py")
SHARED_CODE = ("sources/item.py", "sources/calibration.py", "sources/camera_keys.py", *CLIP_CODE)


@dataclass(frozen=True)
class Reader:
    """Where a reader lives, and the code (patterns below mu0/) whose change makes its clips anew.

    `threads`: its items share no state, so that several may be written at a time (decoding and encoding
    leave Python's lock).
    """

    module: str
    name: str
    code: tuple[str, ...]
    threads: bool = False


READERS: dict[str, Reader] = {
    "files": Reader(
        "mu0.sources.own_files.reader", "FilesReader", ("sources/own_files", *VIDEO_CODE), threads=True
    ),
    "lerobot": Reader(
        "mu0.sources.lerobot.reader", "LeRobotReader", ("sources/lerobot", *VIDEO_CODE), threads=True
    ),
    "droid": Reader(
        "mu0.sources.droid.reader", "DroidReader", ("sources/droid", *TFRECORD_CODE), threads=True
    ),
    "egodex": Reader("mu0.sources.egodex", "EgoDexReader", ("sources/egodex.py", *VIDEO_CODE), threads=True),
    "agibot": Reader(
        "mu0.sources.agibot.reader", "AgiBotReader", ("sources/agibot", *VIDEO_CODE), threads=True
    ),
    "egoverse": Reader(
        "mu0.sources.egoverse.reader",
        "EgoVerseReader",
        ("sources/egoverse", *JPEG_CODE, *VIDEO_CODE),
        threads=True,
    ),
}


def open_source(name: str, params: FilesSource | DatasetSource) -> AbstractSource:
    """The reader of a source.

    Args:
        name: The source's name in params.yaml.
        params: Its section.

    Raises:
        SourceError: The reader needs a package that is not installed, or the source cannot be read.
    """
    reader = READERS[params.kind]
    source: AbstractSource = getattr(import_module(reader.module), reader.name)(name, params)
    return source


def code_of(kind: str) -> tuple[str, ...]:
    """The code that a clip of this kind depends on, as patterns below mu0/."""
    return (*READERS[kind].code, *SHARED_CODE)
