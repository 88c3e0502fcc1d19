"""Writing episodes: the official files in the official order, all of them or none.

The folder is built beside its goal under a hidden name and moved in one step; mu0.json comes last. A full
disk, Ctrl-C or a killed worker leaves no half episode. Equal arrays give equal bytes: `.npz` archives are
uncompressed and carry no time.

Source
    reference/traceextract.md §1.1 to §1.4, §1.7.
"""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from mu0.episodes.arrays import EXTRA_NAMES, SAMPLE_NAMES, EpisodeArrays, SampleExtras
from mu0.episodes.resting import write_places
from mu0.episodes.retiming import StoredRetiming
from mu0.episodes.sidecar import DESCRIPTION_NAME, META_NAME, SIDECAR_NAME, Sidecar, sidecar_text
from mu0.errors import EpisodeError
from mu0.files import atomic_folder

EXTRAS_FOLDER = "mu0_samples"
FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_episode(folder: Path, arrays: EpisodeArrays, sidecar: Sidecar) -> None:
    """Write an episode folder in one step, replacing an older one.

    Args:
        folder: Goal.
        arrays: Content of the official files.
        sidecar: Content of mu0.json.

    Raises:
        EpisodeError: The disk is full; the goal is as it was before.
    """
    if isinstance(sidecar.retiming, StoredRetiming):  # its files belong to another folder
        sidecar = replace(sidecar, retiming=sidecar.retiming.loaded())
    with naming_a_full_disk(folder), atomic_folder(folder) as temporary:
        _write_frames(temporary, arrays)
        _write_samples(temporary / "samples", arrays)
        write_extras(temporary, arrays.extras)
        write_places(temporary / EXTRAS_FOLDER, arrays.resting)
        write_places(temporary / EXTRAS_FOLDER, arrays.untrusted)
        write_texts(temporary, arrays.description or sidecar.instruction, arrays.meta, sidecar)
        (temporary / SIDECAR_NAME).write_text(sidecar_text(sidecar), encoding="utf-8")


@contextmanager
def naming_a_full_disk(folder: Path) -> Iterator[None]:
    """Turn the system's "no space left" within the block into a message for people.

    Raises:
        EpisodeError: The disk that holds `folder` is full.
    """
    try:
        yield
    except OSError as error:
        if not _is_full_disk(error):
            raise
        raise EpisodeError(
            f"There was no space left while writing {folder}.",
            expected="room on the disk that holds this folder",
            remedy="free some space and run the same command again; finished episodes are kept.",
        ) from error


def _write_frames(folder: Path, arrays: EpisodeArrays) -> None:
    np.save(folder / "images.npy", np.ascontiguousarray(arrays.images))
    if arrays.depth_m is not None:
        np.save(folder / "depth.npy", np.ascontiguousarray(arrays.depth_m))
    write_cameras(folder, arrays.images.shape[1:3], arrays.intrinsics, arrays.camera_from_world)
    write_motion(folder, arrays.acceleration, arrays.movement)


def write_cameras(
    folder: Path,
    size_px: tuple[int, int],
    intrinsics: Float32[np.ndarray, "t 3 3"],
    camera_from_world: Float32[np.ndarray, "t 4 4"],
) -> None:
    """Write cameras.npz; `size_px` is height and width."""
    np.savez(
        folder / "cameras.npz",
        intrinsics=np.ascontiguousarray(intrinsics),
        extrinsics=np.ascontiguousarray(camera_from_world),
        height=np.int32(size_px[0]),
        width=np.int32(size_px[1]),
    )


def write_motion(
    folder: Path, acceleration: Float32[np.ndarray, " t"], movement: dict[str, np.ndarray]
) -> None:
    """Write acceleration.npz and movement_statistics.npz."""
    np.savez(folder / "acceleration.npz", acceleration=np.ascontiguousarray(acceleration))
    np.savez(folder / "movement_statistics.npz", allow_pickle=False, **movement)


def _write_samples(folder: Path, arrays: EpisodeArrays) -> None:
    folder.mkdir()
    if (
        arrays.samples is None or arrays.samples.n_rows == 0
    ):  # the official writer leaves the folder empty too
        return
    for name in SAMPLE_NAMES:
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(arrays.samples, name)))


def write_extras(folder: Path, extras: SampleExtras | None) -> None:
    """Write `mu0_samples/`, our columns beside the official ones; nothing if there are none."""
    arrays = {name: getattr(extras, name, None) for name in EXTRA_NAMES}
    for name, array in arrays.items():
        if array is not None:
            (folder / EXTRAS_FOLDER).mkdir(exist_ok=True)
            np.save(folder / EXTRAS_FOLDER / f"{name}.npy", np.ascontiguousarray(array))


def write_texts(folder: Path, description: str, meta: dict[str, object] | None, sidecar: Sidecar) -> None:
    """Write description.txt and meta.json, where there is something to say.

    Args:
        folder: Episode folder.
        description: Instructions, one per line.
        meta: Content of meta.json; None: made from the sidecar if there is a description.
        sidecar: Where the episode comes from.
    """
    lines = [line.strip() for line in description.splitlines() if line.strip()]
    if lines:
        (folder / DESCRIPTION_NAME).write_text("\n".join(lines) + "\n", encoding="utf-8")
    if lines and meta is None:
        meta = {"dataset": sidecar.source, "episode_id": sidecar.clip_id, "language_instructions": lines}
    if meta is not None:
        text = json.dumps(meta, indent=2, ensure_ascii=False)
        (folder / META_NAME).write_text(text, encoding="utf-8")


def _is_full_disk(error: OSError) -> bool:
    # numpy reports a short write as an OSError without a number: "1000 requested and 12 written"
    return error.errno in FULL_DISK or (error.errno is None and "requested and" in str(error))
