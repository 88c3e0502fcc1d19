"""Archives of arrays from strangers: headers without data, arrays without pickles."""

from pathlib import Path
from zipfile import ZipFile

import numpy as np

from mu0.episodes.read import DAMAGE as READ_DAMAGE
from mu0.errors import EpisodeError

DAMAGE = (*READ_DAMAGE, NotImplementedError, RuntimeError)  # what a broken zip archive raises besides
Header = tuple[tuple[int, ...], np.dtype]


def npz_headers(path: Path) -> dict[str, Header]:
    """Shape and type of every array in an archive; no array is read.

    Raises:
        EpisodeError: The file is missing or is no archive of arrays.
    """
    try:
        with path.open("rb") as file, ZipFile(file) as archive:
            headers: dict[str, Header] = {}
            for item in archive.infolist():
                with archive.open(item) as stream:
                    version = np.lib.format.read_magic(stream)
                    read = np.lib.format.read_array_header_1_0
                    if version != (1, 0):
                        read = np.lib.format.read_array_header_2_0
                    shape, _, dtype = read(stream)
                headers[item.filename.removesuffix(".npy")] = (shape, dtype)
            return headers
    except DAMAGE as error:
        raise damaged(path, error) from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an archive; nothing is unpickled.

    Raises:
        EpisodeError: The file is missing, damaged, or holds Python objects.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except AttributeError as error:  # np.load gives a plain array where the file is a .npy
        raise damaged(path, ValueError("it is no archive")) from error
    except DAMAGE as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> EpisodeError:
    """The error for a file that cannot be read."""
    found = f"{path} is missing." if isinstance(error, FileNotFoundError) else f"{path} is damaged: {error}."
    return EpisodeError(
        found,
        expected="a complete file without Python objects",
        remedy="restore this file, or delete the episode and extract it again.",
    )
