"""The arrays of an EgoVerse episode, read with the package zarr (extra `sources`)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float, Int

from mu0.errors import SourceError
from mu0.files import inside

BATCH_FRAMES = 32
NANOSECONDS_PER_S = 1e9


def require_zarr() -> Any:
    """The package zarr.

    Raises:
        SourceError: It is not installed; the message names the extra that brings it.
    """
    try:
        import zarr
    except ImportError as error:
        raise SourceError(
            "The package zarr is not installed.",
            expected="zarr 3, which reads Zarr v3 arrays",
            remedy="run `make install` in the project, or pip install 'zarr>=3'.",
        ) from error
    return zarr


@final
class Arrays:
    """The arrays of one episode, cut to its frames; missing arrays are None or empty."""

    def __init__(self, episode: Path, n_frames: int) -> None:
        self._episode = episode
        self._n_frames = n_frames

    def frames(self, camera: str, numbers: Int[np.ndarray, " n"]) -> Iterator[bytes]:
        """The JPEGs of these frames, in batches, so that memory does not grow with the episode.

        Raises:
            SourceError: The array is missing or damaged.
        """
        with self._told(f"images.{camera}") as array:
            for start in range(0, len(numbers), BATCH_FRAMES):
                batch = numbers[start : start + BATCH_FRAMES]
                block = array[int(batch[0]) : int(batch[-1]) + 1]
                for number in batch:
                    yield bytes(block[number - batch[0]])

    def head_track(self) -> Float[np.ndarray, "t 7"] | None:
        """The front camera: x y z and quaternion w x y z; raises a SourceError where damaged."""
        return self._numbers("obs_head_pose", (7,))

    def times_s(self, fps_hz: float) -> Float[np.ndarray, " t"]:
        """Times after the first frame: as recorded where they increase, else even.

        Raises:
            SourceError: The array is damaged.
        """
        stamps = self._numbers("obs_rgb_timestamps_ns", ())
        if stamps is None or not (np.diff(stamps) > 0).all():
            return np.arange(self._n_frames) / fps_hz
        return (stamps - stamps[0]) / NANOSECONDS_PER_S

    def annotations(self) -> list[dict[str, Any]]:
        """Texts with their frames, in order of their beginning.

        Raises:
            SourceError: The array is damaged.
        """
        if not inside(self._episode, "annotations").is_dir():
            return []
        with self._told("annotations") as array:
            texts = [json.loads(text) for text in array[:] if text]
            return sorted(texts, key=lambda text: int(text.get("start_idx", 0)))

    def _numbers(self, name: str, shape: tuple[int, ...]) -> Any:
        if not inside(self._episode, name).is_dir():
            return None
        with self._told(name) as array:
            numbers = np.asarray(array[: self._n_frames])
            if numbers.shape != (self._n_frames, *shape):
                raise ValueError(f"it has shape {numbers.shape}, not {(self._n_frames, *shape)}")
            return numbers if name.endswith("_ns") else numbers.astype(np.float64)

    @contextmanager
    def _told(self, name: str) -> Iterator[Any]:
        """Open an array; what zarr or its codecs complain about becomes a SourceError."""
        zarr = require_zarr()
        path = inside(self._episode, name)
        for file in path.rglob("*"):
            inside(path, file.relative_to(path).as_posix())
        try:
            yield zarr.open_array(str(path), mode="r", zarr_format=3)  # format 2 may hold pickles
        except (ValueError, KeyError, TypeError, AttributeError, OSError, RuntimeError) as error:
            raise SourceError(
                f"{path} cannot be read: {error}.",
                expected="an array of EgoVerse in Zarr v3",
                remedy="download this episode again.",
            ) from error
