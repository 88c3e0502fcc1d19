"""The rules of the 14 sample arrays (reference/traceextract.md §1.5, rules 1 to 8)."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mu0.episodes.arrays import SAMPLE_NAMES, Samples
from mu0.episodes.read import DAMAGE
from mu0.episodes.sidecar import Sidecar
from mu0.episodes.validate_extras import extra_faults
from mu0.episodes.violation import Violation

TYPES = {
    "frame_indices": ("int32", 1),
    "offsets": ("int64", 1),
    "keypoints": ("float16", 2),
    "cluster_ids": ("int32", 1),
    "is_moving": ("bool", 1),
    "visibs": ("float16", 1),
    "traj": ("float16", 3),
    "traj_history": ("float16", 3),
    "valid_steps": ("bool", 2),
    "valid_steps_history": ("bool", 2),
    "raw_traj": ("float16", 3),
    "raw_traj_history": ("float16", 3),
    "raw_valid_steps": ("bool", 2),
    "raw_valid_steps_history": ("bool", 2),
}
BLOCK_ROWS = 16_384
MASK_OF = {
    "traj": "valid_steps",
    "traj_history": "valid_steps_history",
    "raw_traj": "raw_valid_steps",
    "raw_traj_history": "raw_valid_steps_history",
}


def sample_faults(folder: Path, size: tuple[int, ...], sidecar: Sidecar) -> list[Violation]:
    """Broken rules of `samples/`; an empty folder is sound (no anchor had a usable row).

    Args:
        folder: The `samples` folder.
        size: Frames, height and width of images.npy.
        sidecar: Content of mu0.json.
    """
    if not folder.is_dir():
        return [Violation("samples", "folder", "missing", "a folder, empty if there are no samples")]
    present = {path.stem for path in folder.glob("*.npy")}
    if not present:
        return []
    arrays, faults = _load(folder)
    if faults:
        return faults
    samples = Samples(**arrays)
    faults += _layout_faults(samples, size[0])
    if faults:  # rows cannot be told apart any more
        return faults
    for trace_name in MASK_OF:
        faults += _trace_faults(samples, trace_name)
    faults += _keypoint_faults(samples, size) + _anchor_faults(samples, size[0], sidecar)
    faults += _meaning_faults(samples, sidecar)
    return faults + extra_faults(folder.parent, samples, sidecar)


def _load(folder: Path) -> tuple[dict[str, np.ndarray], list[Violation]]:
    arrays: dict[str, np.ndarray] = {}
    faults: list[Violation] = []
    for name in SAMPLE_NAMES:
        file, (dtype, n_axes) = f"samples/{name}.npy", TYPES[name]
        try:
            array = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            faults.append(Violation(file, "file", "missing", f"a {dtype} array with {n_axes} axes"))
            continue
        except DAMAGE as error:
            faults.append(Violation(file, "file", f"unreadable: {error}", f"a {dtype} array, complete"))
            continue
        if array.dtype != dtype:
            faults.append(Violation(file, "dtype", str(array.dtype), dtype))
        if array.ndim != n_axes:
            faults.append(Violation(file, "axes", str(array.ndim), str(n_axes)))
        if not array.flags.c_contiguous:
            faults.append(Violation(file, "order", "Fortran order", "C order"))
        arrays[name] = array
    return arrays, faults or _shape_faults(arrays)


def _shape_faults(arrays: dict[str, np.ndarray]) -> list[Violation]:
    n_rows, n_slots = len(arrays["keypoints"]), len(arrays["frame_indices"])
    n_future, n_past = arrays["traj"].shape[1], arrays["traj_history"].shape[1]
    expected: dict[str, tuple[int, ...]] = {"frame_indices": (n_slots,), "offsets": (n_slots + 1,)}
    expected |= {"keypoints": (n_rows, 2)}
    expected |= dict.fromkeys(("cluster_ids", "is_moving", "visibs"), (n_rows,))
    for trace, mask in MASK_OF.items():
        n_steps = n_past if "history" in trace else n_future
        expected |= {trace: (n_rows, n_steps, 3), mask: (n_rows, n_steps)}
    return [
        Violation(f"samples/{name}.npy", "shape", str(arrays[name].shape), str(shape))
        for name, shape in expected.items()
        if arrays[name].shape != shape
    ]


def _layout_faults(samples: Samples, n_frames: int) -> list[Violation]:
    faults = []
    offsets, frames = np.asarray(samples.offsets), np.asarray(samples.frame_indices)
    if offsets[0] != 0 or offsets[-1] != samples.n_rows:
        found = f"from {offsets[0]} to {offsets[-1]}"
        faults.append(Violation("samples/offsets.npy", "ends", found, f"from 0 to {samples.n_rows}"))
    if (np.diff(offsets) <= 0).any():
        faults.append(Violation("samples/offsets.npy", "order", "not ascending", "strictly ascending"))
    if (np.diff(frames) <= 0).any():
        faults.append(Violation("samples/frame_indices.npy", "order", "not ascending", "strictly ascending"))
    if len(frames) and (frames.min() < 0 or frames.max() >= n_frames):
        found = f"{frames.min()} to {frames.max()}"
        faults.append(Violation("samples/frame_indices.npy", "range", found, f"0 to {n_frames - 1}"))
    return faults


def _broken(n_rows: int, rule: Callable[[slice], np.ndarray]) -> np.ndarray:
    """Rows that break a rule, asked block by block: an episode may be larger than memory."""
    blocks = (slice(start, min(start + BLOCK_ROWS, n_rows)) for start in range(0, n_rows, BLOCK_ROWS))
    found = [np.asarray(rule(block)).reshape(block.stop - block.start, -1).any(1) for block in blocks]
    return np.concatenate(found) if found else np.zeros(0, bool)


def _trace_faults(samples: Samples, name: str) -> list[Violation]:
    """Rules 3 and 4: prefix masks that start True, -inf behind them, finite values on them."""
    trace, mask = getattr(samples, name), getattr(samples, MASK_OF[name])
    file, mask_file = f"samples/{name}.npy", f"samples/{MASK_OF[name]}.npy"
    rules: tuple[tuple[str, str, Callable[[slice], np.ndarray], str], ...] = (
        (mask_file, "first step", lambda at: ~mask[at, :1], "True in every row"),
        (mask_file, "prefix", lambda at: mask[at, 1:] & ~mask[at, :-1], "True steps, then False steps"),
        (
            file,
            "padding",
            lambda at: (trace[at] != -np.inf).any(-1) & ~mask[at],
            "-inf in all channels where the mask is False",
        ),
        (
            file,
            "values",
            lambda at: ~np.isfinite(trace[at]).all(-1) & mask[at],
            "finite where the mask is True",
        ),
    )
    return [
        Violation(file, field, where(bad), expected)
        for file, field, rule, expected in rules
        if (bad := _broken(samples.n_rows, rule)).any()
    ]


def _keypoint_faults(samples: Samples, size: tuple[int, ...]) -> list[Violation]:
    """Rules 5 and 8: all traces start in the keypoint, which lies in the image."""
    faults = []
    keypoints = np.asarray(samples.keypoints, np.float32)
    with np.errstate(invalid="ignore"):
        one_step = np.spacing(np.asarray(samples.keypoints)).astype(np.float32)  # float16 rounds a last digit
    outside = ~np.all((keypoints >= 0) & (keypoints <= [size[2], size[1]]), axis=-1)
    if outside.any():
        expected = f"0 <= x <= {size[2]} and 0 <= y <= {size[1]}"
        faults.append(Violation("samples/keypoints.npy", "range", where(outside), expected))
    for name in MASK_OF:
        start = np.asarray(getattr(samples, name)[:, 0], np.float32)
        with np.errstate(invalid="ignore"):
            off = ~np.all(np.abs(start[:, :2] - keypoints) <= one_step, axis=-1)
        if off.any():
            faults.append(Violation(f"samples/{name}.npy", "step 0", where(off), "the keypoint"))
    return faults


def _anchor_faults(samples: Samples, n_frames: int, sidecar: Sidecar) -> list[Violation]:
    """Rules 6 and 7: raw lengths follow from the anchor, and some row of each anchor has a future.

    Raw lengths do not where a conversion found no raw traces, and where our own tracking made them: there a
    point has a life and may end earlier. TraceForge keeps anchors without motion.
    """
    faults = []
    frame_of_row = np.repeat(np.asarray(samples.frame_indices), np.diff(samples.offsets))
    n_future, n_past = samples.raw_valid_steps.shape[1], samples.raw_valid_steps_history.shape[1]
    future = samples.raw_valid_steps.sum(1)
    past = samples.raw_valid_steps_history.sum(1)
    longest_future = np.minimum(n_frames - frame_of_row, n_future)
    is_whole = sidecar.is_3d and (not sidecar.backends or sidecar.mode == "traceforge")
    wrong = future != longest_future if is_whole else future > longest_future
    if wrong.any() and "raw_traj" not in sidecar.absent:
        at_most = "" if is_whole else "at most "
        expected = f"{at_most}min({n_frames} - frame, {n_future}) valid steps"
        faults.append(Violation("samples/raw_valid_steps.npy", "length", where(wrong), expected))
    wrong = past > np.minimum(frame_of_row + 1, n_past)
    if wrong.any():
        expected = f"at most min(frame + 1, {n_past}) valid steps"
        faults.append(Violation("samples/raw_valid_steps_history.npy", "length", where(wrong), expected))
    longest = np.maximum.reduceat(samples.valid_steps.sum(1), np.asarray(samples.offsets[:-1]))
    if (longest < 2).any() and sidecar.mode != "traceforge":
        found = f"frame {samples.frame_indices[int(np.argmax(longest < 2))]} has none"
        faults.append(
            Violation("samples/valid_steps.npy", "future", found, "a row with 2 valid steps per frame")
        )
    return faults


def _meaning_faults(samples: Samples, sidecar: Sidecar) -> list[Violation]:
    """Stored rows move, visibility is a share, z fits `is_3d`, and the re-timing map covers the rows."""
    faults = []
    if not np.asarray(samples.is_moving).all() and sidecar.mode != "traceforge":
        found = where(~np.asarray(samples.is_moving))
        faults.append(Violation("samples/is_moving.npy", "values", found, "True in every stored row"))
    visibs = np.asarray(samples.visibs, np.float32)
    if (bad := ~((visibs >= 0) & (visibs <= 1))).any():
        faults.append(Violation("samples/visibs.npy", "values", where(np.asarray(bad)), "0 to 1"))
    faults += _depth_faults(samples, sidecar)
    retiming = sidecar.retiming
    if retiming and (len(retiming.track_ids) != samples.n_rows or retiming.run_offsets[-1] != samples.n_rows):
        found = f"{len(retiming.track_ids)} rows in {retiming.run_offsets[-1]}"
        faults.append(Violation("mu0.json", "retiming", found, f"{samples.n_rows} rows"))
    if retiming and not faults:
        faults += _group_faults(samples, retiming.run_offsets)
    return faults


def _depth_faults(samples: Samples, sidecar: Sidecar) -> list[Violation]:
    """Our own 3-D rows lie in front of the camera; rows without depth have z = 0."""

    def rule(at: slice) -> np.ndarray:
        z, known = samples.raw_traj[at, :, 2], samples.raw_valid_steps[at]
        return known & ((z <= 0) if sidecar.is_3d else (z != 0))

    if sidecar.is_3d and not sidecar.retiming:  # official rows may pass behind the camera
        return []
    bad = _broken(samples.n_rows, rule)
    expected = "z > 0, in front of the camera" if sidecar.is_3d else "z = 0, for is_3d is false"
    return [Violation("samples/raw_traj.npy", "z", where(bad), expected)] if bad.any() else []


def _group_faults(samples: Samples, run_offsets: np.ndarray) -> list[Violation]:
    """Rule 6: rows of one group share their masks."""
    first = np.repeat(run_offsets[:-1], np.diff(run_offsets))
    faults = []
    for name in ("valid_steps", "valid_steps_history"):
        mask = getattr(samples, name)
        bad = _broken(samples.n_rows, partial(_differs, mask, first))
        if bad.any():
            faults.append(Violation(f"samples/{name}.npy", "group", where(bad), "equal rows within a group"))
    return faults


def _differs(mask: np.ndarray, first: np.ndarray, at: slice) -> np.ndarray:
    return np.asarray(mask[at]) != mask[first[at]]


def where(bad: np.ndarray) -> str:
    """How often a rule is broken, and where first."""
    rows = np.flatnonzero(bad.reshape(len(bad), -1).any(1))
    return f"broken in {len(rows)} rows, first in row {rows[0]}"
