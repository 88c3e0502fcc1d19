"""Arrays that are longer than memory: written piece by piece, read image by image.

`NpyWriter` appends to a .npy file and completes its header at the end; the bytes are those of `np.save`.
`FrameStore` looks like the array in such a file, but each image is read when it is asked for. A memory map
would do that too, except that every page once touched counts as memory of the process: after one pass over a
long video all of it would.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import EllipsisType, TracebackType
from typing import Any, TypeAlias, final

import numpy as np

from mu0.errors import EpisodeError

Index: TypeAlias = int | np.integer[Any] | slice | Sequence[int] | np.ndarray
N_REMEMBERED = 4
MAX_READ_BYTES = 1 << 30  # the kernel reads a little less than 2 GiB at a time


@final
class NpyWriter:
    """A .npy file that grows by rows.

    Use as a context manager; left with an exception, the file keeps a header that promises no rows.
    """

    def __init__(self, path: Path, row_shape: tuple[int, ...], dtype: np.dtype[Any] | type) -> None:
        """Create the file; it holds no rows yet."""
        self.path = path
        self.row_shape = row_shape
        self.dtype = np.dtype(dtype)
        self.n_rows = 0
        self._file = path.open("w+b")
        self._write_header()

    def append(self, rows: np.ndarray) -> None:
        """Add rows at the end."""
        assert rows.shape[1:] == self.row_shape, (rows.shape, self.row_shape)
        assert rows.dtype == self.dtype, (rows.dtype, self.dtype)
        self._file.write(np.ascontiguousarray(rows).data)
        self.n_rows += len(rows)

    def close(self) -> None:
        """Say in the header how many rows there are."""
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def __enter__(self) -> "NpyWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()

    def _write_header(self) -> None:
        # numpy pads the header so that the length of the first axis may grow in place
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": np.lib.format.dtype_to_descr(self.dtype),
                "fortran_order": False,
                "shape": (self.n_rows, *self.row_shape),
            },
        )


class Images:
    """A sequence of equal images, one in memory at a time; indexing gives true arrays.

    Supports `len`, iteration, `[i]`, slices, lists of frames, and further indices behind these
    (`[frame, ::2, ::2]`), which are applied image by image.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Tell the shape of all images together."""
        self.shape = shape
        self.dtype = dtype

    def read(self, frame: int) -> np.ndarray:
        """One image."""
        raise NotImplementedError

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.read(frame) for frame in range(len(self)))

    def __getitem__(self, index: Index | tuple[Index | EllipsisType, ...]) -> np.ndarray:
        if isinstance(index, tuple):
            first, *rest = index
            assert not isinstance(first, EllipsisType), "the first index chooses frames"
            return self._choose(first, tuple(rest))
        return self._choose(index, ())

    def _choose(self, frames: Index, rest: tuple[Any, ...]) -> np.ndarray:
        if isinstance(frames, int | np.integer):
            frame = int(frames) + (len(self) if frames < 0 else 0)
            if not 0 <= frame < len(self):
                raise IndexError(f"frame {int(frames)} of {len(self)}")
            return np.asarray(self.read(frame)[rest])
        numbers = np.arange(len(self))[frames]
        if len(numbers) == 0:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        first = self._choose(numbers[0], rest)
        chosen = np.empty((len(numbers), *first.shape), first.dtype)
        chosen[0] = first
        for goal, number in zip(chosen[1:], numbers[1:], strict=True):
            goal[...] = self._choose(number, rest)
        return chosen


@final
class FrameStore(Images):
    """The images of a .npy file, read when asked for.

    Raises:
        EpisodeError: The file is not a complete .npy file.
    """

    def __init__(self, path: Path) -> None:
        """Open the file and read its header."""
        self.path = path
        self._file = path.open("rb")
        try:
            np.lib.format.read_magic(self._file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(self._file)
        except ValueError as error:
            raise _damaged(path, str(error)) from error
        super().__init__(shape, dtype)
        self._start = self._file.tell()
        self._image_bytes = int(np.prod(shape[1:])) * dtype.itemsize
        if fortran or path.stat().st_size != self._start + shape[0] * self._image_bytes:
            raise _damaged(path, f"{path.stat().st_size} bytes do not hold {shape} values of {dtype}")

    def read(self, frame: int) -> np.ndarray:
        """One image, without going through a memory map."""
        image = np.empty(self.shape[1:], self.dtype)
        rest = memoryview(image.reshape(-1).view(np.uint8).data)
        at = self._start + frame * self._image_bytes
        while len(rest):
            n_read = os.preadv(self._file.fileno(), [rest[:MAX_READ_BYTES]], at)
            if n_read == 0:
                raise _damaged(self.path, f"image {frame} is cut off")
            at, rest = at + n_read, rest[n_read:]
        return image

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __del__(self) -> None:
        if file := getattr(self, "_file", None):
            file.close()


@final
class MappedImages(Images):
    """Images that are computed from other images when asked for; the last few are remembered."""

    def __init__(
        self, images: Images, compute: Callable[[np.ndarray], np.ndarray], n_remembered: int = 4
    ) -> None:
        """Compute the first image to learn its shape."""
        self._images, self._compute, self._n_remembered = images, compute, n_remembered
        self._remembered: dict[int, np.ndarray] = {}
        first = compute(images[0])
        super().__init__((len(images), *first.shape), first.dtype)

    def read(self, frame: int) -> np.ndarray:
        """One computed image."""
        if frame not in self._remembered:
            while len(self._remembered) >= N_REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
            self._remembered[frame] = self._compute(self._images[frame])
        return self._remembered[frame]


FrameArray: TypeAlias = np.ndarray | FrameStore | MappedImages  # for signatures: UInt8[FrameArray, "t h w 3"]


def _damaged(path: Path, why: str) -> EpisodeError:
    return EpisodeError(
        f"{path} is damaged: {why}.",
        expected="a complete .npy file, version 1.0",
        remedy="delete the folder and run `mu0 run`, which extracts the clip again.",
    )
