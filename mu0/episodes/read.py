"""Reading episodes: arrays are memory maps, so opening one costs nothing and reading a slot costs a slot."""

from dataclasses import dataclass, field
from pathlib import Path
from tokenize import TokenError  # numpy reads headers of arrays with Python's own scanner
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float16, Float32, UInt8

from mu0.episodes.arrays import EXTRA_NAMES, SAMPLE_NAMES, SampleExtras, Samples
from mu0.episodes.resting import (
    PLACE_NAMES,
    SCHEMA_VERSION,
    VERSION_NAME,
    PlaceKind,
    PlaceRows,
    RestingRows,
    UntrustedRows,
    shape_faults,
)
from mu0.episodes.sidecar import Sidecar, read_description, read_meta, read_sidecar
from mu0.episodes.write import EXTRAS_FOLDER
from mu0.errors import EpisodeError

IMAGES_NAME = "images.npy"
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    BadZipFile,
    TokenError,
)  # what reading a broken file can raise


@dataclass(frozen=True)
class Episode:
    """An episode on disk.

    Attributes:
        folder: Where it lies.
        images: RGB.
        depth: Camera z [m]; None for a 2-D-only episode.
        intrinsics: Pinhole matrix of each frame [px].
        camera_from_world: World to camera, the official "extrinsics".
        acceleration: Mean acceleration of moving points [px per frame^2].
        samples: The 14 sample arrays; None if no anchor has a usable row.
        sidecar: Content of mu0.json.
        extras: Our columns beside the 14 official ones, each None where the episode has none.
        resting: Points that rest; None if the episode has none.
        untrusted: Moving points that were kept out of the official rows; None if the episode has none.
    """

    folder: Path
    images: UInt8[np.ndarray, "t h w 3"]
    depth: Float16[np.ndarray, "t h w"] | None
    intrinsics: Float32[np.ndarray, "t 3 3"]
    camera_from_world: Float32[np.ndarray, "t 4 4"]
    acceleration: Float32[np.ndarray, " t"]
    samples: Samples | None
    sidecar: Sidecar
    extras: SampleExtras = field(default_factory=SampleExtras)
    resting: RestingRows | None = None
    untrusted: UntrustedRows | None = None

    @property
    def n_frames(self) -> int:
        """Number of kept frames."""
        return len(self.images)

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.images.shape[1], self.images.shape[2]

    @property
    def description(self) -> str:
        """Instructions, one per line; empty if there are none. Raises as `read_description`."""
        return read_description(self.folder)

    @property
    def meta(self) -> dict[str, Any] | None:
        """Content of meta.json; None if there is none. Raises as `read_meta`."""
        return read_meta(self.folder)

    def slot(self, frame: int) -> slice:
        """Rows of the sample arrays that belong to an anchor frame.

        Raises:
            EpisodeError: The frame owns no rows.
        """
        if self.samples is not None:
            slots = np.flatnonzero(self.samples.frame_indices == frame)
            if len(slots):
                return self.samples.rows(int(slots[0]))
        raise EpisodeError(
            f"Frame {frame} of {self.folder} has no samples.",
            expected="one of the frames in samples/frame_indices.npy",
            remedy="choose an anchor frame from `episode.samples.frame_indices`.",
        )


def read_episode(folder: Path) -> Episode:
    """Open an episode, ours or an official one.

    Raises:
        EpisodeError: A required file is missing or damaged; `validate_episode` lists every fault.
    """
    if not (folder / IMAGES_NAME).exists() and any((folder / "samples").glob("*.npz")):
        raise EpisodeError(
            f"{folder} is an episode in another layout, with one file per frame.",
            expected=f"the official layout, with {IMAGES_NAME}",
            remedy=f"convert it first: mu0 convert {folder} OUT --to official",
        )
    images = _load(folder / IMAGES_NAME)
    has_depth = (folder / "depth.npy").exists()
    has_samples = (folder / "samples" / "frame_indices.npy").exists()
    cameras = read_npz(folder / "cameras.npz", ("intrinsics", "extrinsics"))
    return Episode(
        folder=folder,
        images=images,
        depth=_load(folder / "depth.npy") if has_depth else None,
        intrinsics=cameras["intrinsics"],
        camera_from_world=cameras["extrinsics"],
        acceleration=read_npz(folder / "acceleration.npz", ("acceleration",))["acceleration"],
        samples=read_samples(folder / "samples") if has_samples else None,
        sidecar=read_sidecar(folder, len(images)),
        extras=read_extras(folder / EXTRAS_FOLDER),
        resting=read_places(folder, RestingRows),
        untrusted=read_places(folder, UntrustedRows),
    )


def read_samples(folder: Path) -> Samples:
    """Open the 14 sample arrays as memory maps.

    Raises:
        EpisodeError: One is missing or damaged.
    """
    return Samples(**{name: _load(folder / f"{name}.npy") for name in SAMPLE_NAMES})


def read_extras(folder: Path) -> SampleExtras:
    """Open `mu0_samples/` as memory maps; None for what is not there.

    Raises:
        EpisodeError: A file is damaged.
    """
    paths = {name: folder / f"{name}.npy" for name in EXTRA_NAMES}
    return SampleExtras(**{name: _load(path) for name, path in paths.items() if path.exists()})


def read_places(episode: Path, kind: type[PlaceKind]) -> PlaceKind | None:
    """Open the rows of one kind as memory maps; None if the episode has none.

    Raises:
        EpisodeError: A file is missing or damaged, of another type or shape, or of another schema version.
    """
    folder = episode / EXTRAS_FOLDER / kind.FOLDER
    if not folder.is_dir():
        return None
    columns = load_places(episode, kind)
    for name, found, expected in shape_faults(columns):
        raise _unread(f"{folder / name}.npy is {found}.", expected)
    return kind(**columns)


def load_places(episode: Path, kind: type[PlaceRows]) -> dict[str, np.ndarray]:
    """The columns of one kind as memory maps, whatever their shapes.

    Raises:
        EpisodeError: A file is missing or damaged, or of another schema version.
    """
    folder = episode / EXTRAS_FOLDER / kind.FOLDER
    version = _load(folder / f"{VERSION_NAME}.npy")
    if version.shape != () or version.dtype.kind != "i" or int(version) != SCHEMA_VERSION:
        raise _unread(f"{folder} has schema version {version}.", f"schema version {SCHEMA_VERSION}")
    return {name: _load(folder / f"{name}.npy") for name in PLACE_NAMES}


def _unread(found: str, expected: str) -> EpisodeError:
    remedy = "use the version of mu0 that wrote it, or delete this folder: no official row needs it."
    return EpisodeError(found, expected=expected, remedy=remedy)


def read_npz(path: Path, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read `keys` from an archive.

    Raises:
        EpisodeError: The file is missing or damaged, or lacks a key.
    """
    try:
        # opened here, for numpy forgets to close a file that is no archive
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {key: archive[key] for key in keys}
    except DAMAGE as error:
        raise _damaged(path, error) from error


def list_episodes(root: Path) -> list[Path]:
    """Sorted folders below `root` that hold an episode (`<source>/<clip_id>` or deeper, or official ones)."""
    if not root.is_dir():
        return []
    found = (path.parent.relative_to(root) for path in root.rglob(IMAGES_NAME))
    return sorted(root / name for name in found if not any(part.startswith(".") for part in name.parts))


def _load(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> EpisodeError:
    found = f"{path} is missing." if isinstance(error, FileNotFoundError) else f"{path} is damaged: {error}."
    return EpisodeError(
        found,
        expected="a complete TraceExtract episode",
        remedy="delete the folder and run `mu0 run`, which extracts the clip again.",
    )
