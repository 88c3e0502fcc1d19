"""Large arrays in files that all processes share: written once, in full or not at all, then mapped read-only.

    folder/<name>.npy     rows of one array; the system keeps the pages once, however many processes map them
    folder/about.json     what else is known

The name of the folder is a key of everything the content depends on, so it never changes and may be deleted
at any time. Rows are appended with plain writes: on a full disk those raise an error, where writing through a
map would end the process.

Entry points
    made_once     a folder that exactly one process fills, however many ask for it at a time
    RowsWriter    appends rows to its files
    map_arrays    all files of a folder
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from mu0.errors import DatasetError
from mu0.file_lock import locked
from mu0.files import atomic_folder, read_json, write_json

ABOUT = "about.json"


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return `folder`; if it does not exist, `make` fills it first, while others who ask for it wait.

    Args:
        folder: Its name is a key of its content.
        make: Gets a temporary folder that takes the name when it is complete.
    """
    if not folder.is_dir():
        with locked(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                for left in folder.parent.glob(f".{folder.name}.*"):  # by a maker that was killed
                    shutil.rmtree(left)
                with atomic_folder(folder) as temporary:
                    make(temporary)
    return folder


def map_arrays(folder: Path) -> dict[str, Any]:
    """All arrays of a folder, read-only."""
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}


def read_about(folder: Path) -> dict[str, Any]:
    """What the writer noted beside the arrays."""
    return dict(read_json(folder / ABOUT))


class RowsWriter:
    """Appends rows to `<name>.npy`; types and shapes are those of the first rows.

    Args:
        folder: Exists.
        n_rows: Of every array, in the end.
    """

    def __init__(self, folder: Path, n_rows: int) -> None:
        self.folder = folder
        self.n_rows = n_rows
        self._files: dict[str, BinaryIO] = {}
        self._written: dict[str, int] = {}
        self._kinds: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}

    def __enter__(self) -> "RowsWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        if error is None and set(self._written.values()) != {self.n_rows}:
            raise DatasetError(
                f"{self.folder} got rows {self._written}.",
                expected=f"{self.n_rows} rows of every array, as was announced",
                remedy="the source changed while it was read: run the same command again.",
            )

    def append(self, **rows: np.ndarray) -> None:
        """Write rows of some arrays, in C order."""
        for name, values in rows.items():
            kind = (values.dtype, values.shape[1:])
            if name not in self._files:
                self._files[name] = self._begin(name, values)
                self._kinds[name], self._written[name] = kind, 0
            if kind != self._kinds[name]:
                raise DatasetError(
                    f"Rows of {name} are {kind}, the first ones were {self._kinds[name]}.",
                    expected="rows of one type and shape, such as pictures of one size",
                    remedy="record or convert the source so that all of its episodes are alike.",
                )
            self._files[name].write(np.ascontiguousarray(values).data)
            self._written[name] += len(values)

    def note(self, **about: Any) -> None:
        """Write about.json."""
        write_json(self.folder / ABOUT, about)

    def _begin(self, name: str, values: np.ndarray) -> BinaryIO:
        file = (self.folder / f"{name}.npy").open("wb")
        header = {
            "descr": np.lib.format.dtype_to_descr(values.dtype),
            "fortran_order": False,
            "shape": (self.n_rows, *values.shape[1:]),
        }
        np.lib.format.write_array_header_1_0(file, header)
        return file
