"""Rules of the optional files: our own columns in `mu0_samples/`, and movement_statistics.npz."""

from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from mu0.episodes.arrays import Samples
from mu0.episodes.read import DAMAGE
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.violation import Violation
from mu0.episodes.write import EXTRAS_FOLDER

EXTRA_TYPES = {"track_ids": "int32", "confidence": "float16"}
MOVEMENT_NAME = "movement_statistics.npz"
COUNTS = ("total_unique_kps", "n_above_005", "n_above_010")
STEPS = ("cam_trans_step", "cam_rot_step_rad")


def extra_faults(episode: Path, samples: Samples, sidecar: Sidecar) -> list[Violation]:
    """Our own columns: one value per row; track ids as in mu0.json, confidence a probability."""
    columns, faults = _columns(episode / EXTRAS_FOLDER, samples.n_rows)
    if "confidence" in columns:
        confidence = columns["confidence"]
        outside = int((~((confidence >= 0) & (confidence <= 1))).sum())
        if outside:
            faults.append(
                Violation(f"{EXTRAS_FOLDER}/confidence.npy", "values", f"{outside} outside", "0 to 1")
            )
    retiming = sidecar.retiming
    if "track_ids" in columns and retiming and len(retiming.track_ids) == samples.n_rows:
        differ = int((columns["track_ids"] != retiming.track_ids).sum())
        if differ:
            expected = "the track ids in mu0.json"
            faults.append(Violation(f"{EXTRAS_FOLDER}/track_ids.npy", "values", f"{differ} others", expected))
    return faults


def _columns(folder: Path, n_rows: int) -> tuple[dict[str, np.ndarray], list[Violation]]:
    columns: dict[str, np.ndarray] = {}
    faults: list[Violation] = []
    for name, dtype in EXTRA_TYPES.items():
        file = f"{folder.name}/{name}.npy"
        try:
            column = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            continue
        except DAMAGE as error:
            faults.append(Violation(file, "file", f"unreadable: {error}", f"a {dtype} array, complete"))
            continue
        if column.dtype != dtype or column.shape != (n_rows,):
            found, expected = f"{column.dtype} {column.shape}", f"{dtype} {(n_rows,)}"
            faults.append(Violation(file, "type and shape", found, expected))
            continue
        columns[name] = column
    return columns, faults


def movement_faults(episode: Path, n_frames: int) -> list[Violation]:
    """movement_statistics.npz, where there is one: known keys have the official type and length."""
    path = episode / MOVEMENT_NAME
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            content = {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        return []
    except DAMAGE as error:
        return [Violation(MOVEMENT_NAME, "file", f"unreadable: {error}", "a complete archive")]
    faults = []
    for key, array in content.items():
        dtype = "int64" if key in COUNTS else "float32"
        shape = (n_frames - 1,) if key in STEPS else ()
        if (str(array.dtype), array.shape) != (dtype, shape):
            found, expected = f"{array.dtype} {array.shape}", f"{dtype} {shape}"
            faults.append(Violation(MOVEMENT_NAME, key, found, expected))
    return faults


def compression_fault(path: Path) -> list[Violation]:
    """Official archives are not compressed, so that they can be mapped into memory."""
    try:
        with ZipFile(path) as archive:
            packed = [item.filename for item in archive.infolist() if item.compress_type]
    except (OSError, BadZipFile):
        return []  # reported when its content was asked for
    return (
        [Violation(path.name, "compression", f"{packed[0]} is compressed", "plain storage")] if packed else []
    )
