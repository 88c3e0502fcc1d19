"""Is this folder a sound episode? Every broken rule is named: file, field, what is there, what should be.

The rules are the invariants of the official format (reference/traceextract.md §1.5) and those of mu0.json.
Nothing is trusted: files may be missing, truncated, of another type or full of NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from mu0.episodes.read import DAMAGE
from mu0.episodes.sidecar import (
    ABSENT,
    DESCRIPTION_NAME,
    META_NAME,
    MODES,
    Sidecar,
    read_description,
    read_meta,
    read_sidecar,
)
from mu0.episodes.validate_extras import compression_fault, movement_faults
from mu0.episodes.validate_places import place_faults
from mu0.episodes.validate_samples import sample_faults
from mu0.episodes.violation import Violation
from mu0.errors import EpisodeError
from mu0.geometry.rigid import is_rigid

CAMERA_TYPES = {
    "intrinsics": ("float32", 3),
    "extrinsics": ("float32", 3),
    "height": ("int32", 0),
    "width": ("int32", 0),
}


@dataclass(frozen=True)
class _Frames:
    images: np.ndarray
    sidecar: Sidecar


def validate_episode(folder: Path) -> list[Violation]:
    """Check one episode against every rule of the format.

    Args:
        folder: Episode folder, ours or an official one.

    Returns:
        The broken rules; empty if the episode is sound.
    """
    images, faults = _array(folder / "images.npy", "uint8", 4)
    if images is None:
        return faults
    if images.ndim != 4 or images.shape[3] != 3 or len(images) == 0:
        return [*faults, Violation("images.npy", "shape", str(images.shape), "(T, H, W, 3) with T > 0")]
    try:
        sidecar = read_sidecar(folder, len(images))
    except EpisodeError as error:
        return [*faults, Violation("mu0.json", "content", error.found, error.expected)]
    frames = _Frames(images, sidecar)
    faults += _depth_faults(folder, frames) + _camera_faults(folder, frames) + _sidecar_faults(frames)
    faults += _acceleration_faults(folder, frames) + _text_faults(folder)
    faults += movement_faults(folder, len(images))
    faults += sample_faults(folder / "samples", images.shape[:3], sidecar)
    return faults + place_faults(folder, images.shape[:3], is_3d=sidecar.is_3d)


def _array(path: Path, dtype: str, n_axes: int) -> tuple[np.ndarray | None, list[Violation]]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        return None, [Violation(path.name, "file", "missing", f"a {dtype} array with {n_axes} axes")]
    except DAMAGE as error:
        return None, [Violation(path.name, "file", f"unreadable: {error}", f"a {dtype} array, complete")]
    faults = []
    if array.dtype != dtype:
        faults.append(Violation(path.name, "dtype", str(array.dtype), dtype))
    if not array.flags.c_contiguous:
        faults.append(Violation(path.name, "order", "Fortran order", "C order"))
    return array, faults


def _depth_faults(folder: Path, frames: _Frames) -> list[Violation]:
    exists = (folder / "depth.npy").exists()
    if not exists and "depth" in frames.sidecar.absent:
        return []
    if not frames.sidecar.is_3d:
        return [Violation("depth.npy", "file", "present", "absent, for is_3d is false")] if exists else []
    depth, faults = _array(folder / "depth.npy", "float16", 3)
    if depth is None:
        return faults
    if depth.shape != frames.images.shape[:3]:
        faults.append(Violation("depth.npy", "shape", str(depth.shape), str(frames.images.shape[:3])))
    elif (bad := sum(int((~np.isfinite(image) | (image < 0)).sum()) for image in depth)) > 0:
        faults.append(
            Violation("depth.npy", "values", f"{bad} negative or not finite", "metres, 0 = missing")
        )
    return faults


def _camera_faults(folder: Path, frames: _Frames) -> list[Violation]:
    n_frames, height_px, width_px, _ = frames.images.shape
    shapes = {"intrinsics": (n_frames, 3, 3), "extrinsics": (n_frames, 4, 4), "height": (), "width": ()}
    arrays, faults = _archive(folder / "cameras.npz", shapes, CAMERA_TYPES)
    for name, expected in (("height", height_px), ("width", width_px)):
        if name in arrays and int(arrays[name]) != expected:
            faults.append(
                Violation("cameras.npz", name, str(int(arrays[name])), f"{expected}, as in images.npy")
            )
    if "extrinsics" in arrays and not is_rigid(arrays["extrinsics"]):
        faults.append(Violation("cameras.npz", "extrinsics", "a matrix that is not rigid", "rigid motions"))
    if "intrinsics" in arrays:
        focal = np.diagonal(arrays["intrinsics"], axis1=1, axis2=2)
        if not (np.isfinite(arrays["intrinsics"]).all() and (focal > 0).all()):
            faults.append(
                Violation("cameras.npz", "intrinsics", "not finite or not positive", "focal length > 0")
            )
    return faults


def _acceleration_faults(folder: Path, frames: _Frames) -> list[Violation]:
    shape = (len(frames.images),)
    arrays, faults = _archive(
        folder / "acceleration.npz", {"acceleration": shape}, {"acceleration": ("float32", 1)}
    )
    if "acceleration" in arrays and not np.isfinite(arrays["acceleration"]).all():
        faults.append(
            Violation("acceleration.npz", "acceleration", "not finite", "finite, 0 where undefined")
        )
    return faults


def _archive(
    path: Path, shapes: dict[str, tuple[int, ...]], types: dict[str, tuple[str, int]]
) -> tuple[dict[str, np.ndarray], list[Violation]]:
    """Load the keys of an archive; those of the wrong shape are reported and left out."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            content = {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        return {}, [Violation(path.name, "file", "missing", f"an archive with {', '.join(shapes)}")]
    except DAMAGE as error:
        return {}, [Violation(path.name, "file", f"unreadable: {error}", "a complete archive")]
    faults = [
        Violation(path.name, key, "missing", f"{types[key][0]} {shape}")
        for key, shape in shapes.items()
        if key not in content
    ]
    faults += compression_fault(path)
    kept = {}
    for key in shapes.keys() & content.keys():
        array = content[key]
        if array.shape != shapes[key]:
            faults.append(Violation(path.name, key, f"shape {array.shape}", f"shape {shapes[key]}"))
            continue
        if array.dtype != types[key][0]:
            faults.append(Violation(path.name, key, str(array.dtype), types[key][0]))
        kept[key] = array
    return kept, faults


def _sidecar_faults(frames: _Frames) -> list[Violation]:
    n_frames, source = len(frames.images), frames.sidecar.source_frames
    if unknown := sorted(set(frames.sidecar.absent) - set(ABSENT)):
        return [Violation("mu0.json", "absent", ", ".join(unknown), f"some of {', '.join(ABSENT)}")]
    for field, name in (("clip_id", frames.sidecar.clip_id), ("source", frames.sidecar.source)):
        if ".." in Path(name).parts:
            return [Violation("mu0.json", field, repr(name), "a name without `..`")]
    if frames.sidecar.mode not in MODES:
        return [Violation("mu0.json", "mode", frames.sidecar.mode, " or ".join(MODES))]
    if len(source) != n_frames:
        return [
            Violation("mu0.json", "source_frames", f"{len(source)} numbers", f"{n_frames}, one per frame")
        ]
    if any(b <= a for a, b in pairwise(source)):
        return [Violation("mu0.json", "source_frames", "not ascending", "strictly ascending frame numbers")]
    return []


def _text_faults(folder: Path) -> list[Violation]:
    faults = []
    readers: tuple[tuple[str, Callable[[Path], object]], ...] = (
        (DESCRIPTION_NAME, read_description),
        (META_NAME, read_meta),
    )
    for name, read in readers:
        try:
            read(folder)
        except EpisodeError as error:
            faults.append(Violation(name, "content", error.found, error.expected))
    return faults
