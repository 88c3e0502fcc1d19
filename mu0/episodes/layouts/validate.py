"""Faults of an episode of any layout, one exact line each.

For per-frame layouts: names and numbers of files, one size for all, shapes that fit, prefix masks, padding,
keypoints inside the image where every trace starts; for TraceForge also the 20 x 20 grid and the three
instructions. Nothing is trusted: any file may be missing, truncated, or full of NaN.
"""

from pathlib import Path

import numpy as np

from mu0.episodes.layouts.frame_files import frame_number, read_depth, read_png
from mu0.episodes.layouts.frame_view import FrameView, sample_shape_faults
from mu0.episodes.layouts.instructions import KEYS, read_three
from mu0.episodes.layouts.kinds import INSTRUCTIONS_NAME, Layout
from mu0.episodes.layouts.npz import npz_headers, read_arrays
from mu0.episodes.sidecar import SIDECAR_NAME, read_sidecar
from mu0.episodes.validate import validate_episode
from mu0.episodes.validate_samples import where
from mu0.episodes.violation import Violation
from mu0.errors import Mu0Error
from mu0.files import inside
from mu0.geometry.traceforge import N_GRID_POINTS, grid_points

START_PX = 1.0  # how far step 0 may lie from its keypoint (float16 pixels above 1024)
GRID_PX = 1.0
TRACES = (
    ("traj", "valid_steps"),
    ("traj_history", "valid_steps_history"),
    ("raw_traj", "raw_valid_steps"),
    ("raw_traj_history", "raw_valid_steps_history"),
)


def validate_layout(folder: Path, layout: Layout) -> list[Violation]:
    """Check an episode against every rule of its layout; empty if it is sound."""
    if layout == "official":
        return validate_episode(folder)
    faults, size_px = _image_faults(folder)
    faults += _depth_faults(folder, size_px)
    is_grid = layout == "traceforge" and _mode(folder, faults) == "traceforge"
    channels: dict[int, str] = {}
    for path in sorted((folder / "samples").glob("*.npz")):
        faults += _sample_faults(folder, path, size_px, channels, is_grid=is_grid)
    if len(channels) > 1:
        found = " and ".join(f"{n} in {file}" for n, file in channels.items())
        faults.append(Violation("samples", "channels", found, "2 or 3 throughout"))
    faults += _instruction_faults(folder)
    if not faults:
        faults += _whole_faults(folder, layout)
    return faults


def _image_faults(folder: Path) -> tuple[list[Violation], tuple[int, int] | None]:
    faults: list[Violation] = []
    size_px: tuple[int, int] | None = None
    numbers: dict[int, str] = {}
    for path in sorted((folder / "images").glob("*.png")):
        file = f"images/{path.name}"
        try:
            number = frame_number(path)
            image = read_png(inside(folder, file))
        except Mu0Error as error:
            faults.append(Violation(file, "file", error.found, error.expected))
            continue
        if number in numbers:
            faults.append(
                Violation(file, "frame number", f"{number}, as {numbers[number]}", "one image each")
            )
        numbers[number] = file
        size_px = size_px or (image.shape[0], image.shape[1])
        if image.shape[:2] != size_px:
            faults.append(Violation(file, "size", str(image.shape[:2]), f"{size_px}, as the first image"))
    if not numbers and not faults:
        faults.append(Violation("images", "folder", "no image", "images/<video>_<t>.png"))
    return faults, size_px


def _depth_faults(folder: Path, size_px: tuple[int, int] | None) -> list[Violation]:
    faults = []
    for path in sorted((folder / "depth").glob("*.*")):
        file = f"depth/{path.name}"
        if not (folder / "images" / f"{path.stem.removesuffix('_raw')}.png").exists():
            faults.append(Violation(file, "image", "missing", "an image of this frame"))
            continue
        try:
            depth = read_depth(inside(folder, file))
        except Mu0Error as error:
            faults.append(Violation(file, "file", error.found, error.expected))
            continue
        if size_px and depth.shape != size_px:
            faults.append(Violation(file, "size", str(depth.shape), f"{size_px}, as the images"))
        if bad := int((~np.isfinite(depth)).sum() + (depth < 0).sum()):
            faults.append(Violation(file, "values", f"{bad} negative or not finite", "metres, 0 = missing"))
    return faults


def _mode(folder: Path, faults: list[Violation]) -> str:
    """Whether the points are meant to be a grid; conversions of other episodes say that they are not."""
    if not (folder / SIDECAR_NAME).exists():
        return "traceforge"
    try:
        return read_sidecar(folder, 0).mode
    except Mu0Error as error:
        faults.append(Violation(SIDECAR_NAME, "content", error.found, error.expected))
        return ""


def _sample_faults(
    folder: Path, path: Path, size_px: tuple[int, int] | None, channels: dict[int, str], *, is_grid: bool
) -> list[Violation]:
    file = f"samples/{path.name}"
    if not (folder / "images" / f"{path.stem}.png").exists():
        return [Violation(file, "image", "missing", f"images/{path.stem}.png")]
    try:
        number = frame_number(path)
        arrays = read_arrays(inside(folder, file))
        shapes = npz_headers(path)
    except Mu0Error as error:
        return [Violation(file, "file", error.found, error.expected)]
    if shape_faults := sample_shape_faults(shapes):
        return [Violation(file, *fault) for fault in shape_faults]
    channels.setdefault(arrays["traj"].shape[2], file)
    faults = _name_faults(file, path.stem, number, arrays)
    faults += _keypoint_faults(file, arrays["keypoints"], size_px, is_grid=is_grid)
    for name, mask_name in TRACES:
        if name in arrays:
            faults += _trace_faults(file, name, arrays, mask_name)
    flat = arrays.get("traj_2d")
    if flat is not None and not np.isfinite(flat).all():
        faults.append(Violation(file, "traj_2d", "values that are not finite", "pixels of every frame"))
    return faults


def _name_faults(file: str, stem: str, number: int, arrays: dict[str, np.ndarray]) -> list[Violation]:
    faults = []
    if "frame_index" in arrays and arrays["frame_index"].ravel().tolist() != [number]:
        found = str(arrays["frame_index"].ravel().tolist())
        faults.append(Violation(file, "frame_index", found, f"[{number}], as in its name"))
    names = arrays.get("image_path", np.array([])).ravel().tolist()
    climbing = [name for name in names if ".." in Path(str(name)).parts]
    expected = f"images/{stem}.png, without `..`"
    return faults + [Violation(file, "image_path", repr(name), expected) for name in climbing]


def _keypoint_faults(
    file: str, keypoints: np.ndarray, size_px: tuple[int, int] | None, *, is_grid: bool
) -> list[Violation]:
    if size_px is None:
        return []
    faults = []
    limit = np.array([size_px[1], size_px[0]])
    outside = int((~((keypoints >= 0) & (keypoints <= limit)).all(-1)).sum())
    if outside:
        expected = f"0 <= x <= {size_px[1]} and 0 <= y <= {size_px[0]}"
        faults.append(Violation(file, "keypoints", f"{outside} outside the image", expected))
    if is_grid and len(keypoints) != N_GRID_POINTS:
        found = f"{len(keypoints)} points"
        faults.append(Violation(file, "keypoints", found, f"{N_GRID_POINTS}, a 20 x 20 grid"))
    elif is_grid and not outside and np.abs(keypoints - grid_points(size_px)).max() > GRID_PX:
        faults.append(Violation(file, "keypoints", "other points", "the 20 x 20 grid, row by row"))
    return faults


def _trace_faults(file: str, name: str, arrays: dict[str, np.ndarray], mask_name: str) -> list[Violation]:
    trace = arrays[name].astype(np.float32)
    finite = np.isfinite(trace).all(-1)
    mask = arrays.get(mask_name, finite)
    one_for_all = mask.ndim == 1
    mask = np.broadcast_to(mask.astype(bool), finite.shape)
    start = np.abs(trace[:, 0, :2] - arrays["keypoints"].astype(np.float32)).max(-1)
    padded = (trace == -np.inf).all(-1)  # behind one mask for all, a row may end earlier
    rules = (
        (mask_name, "first step", ~mask[:, 0], "True"),
        (mask_name, "prefix", (mask[:, 1:] & ~mask[:, :-1]).any(-1), "True steps, then False steps"),
        (name, "padding", (~padded & ~mask).any(-1), "-inf in all channels where the mask is False"),
        (name, "values", (~finite & mask & ~(padded & one_for_all)).any(-1), "finite where the mask is True"),
        (name, "step 0", ~(start <= START_PX), "the keypoint"),
    )
    return [
        Violation(file, f"{field} {what}", where(np.asarray(bad)), expected)
        for field, what, bad, expected in rules
        if bad.any()
    ]


def _instruction_faults(folder: Path) -> list[Violation]:
    try:
        n_found = len(read_three(folder))
    except Mu0Error as error:
        return [Violation(INSTRUCTIONS_NAME, "content", error.found, error.expected)]
    if (folder / INSTRUCTIONS_NAME).exists() and n_found < len(KEYS):
        return [Violation(INSTRUCTIONS_NAME, "content", f"{n_found} texts", f"texts under {', '.join(KEYS)}")]
    return []


def _whole_faults(folder: Path, layout: Layout) -> list[Violation]:
    """Faults that show only when all parts are put together: cameras, sidecar, texts."""
    try:
        view = FrameView(folder, layout)
        view.cameras()
        retiming = view.sidecar().retiming
    except Mu0Error as error:
        return [Violation(".", "content", error.found, error.expected)]
    n_timed = view.n_rows if retiming is None else int(retiming.run_offsets[-1])
    if n_timed != view.n_rows:
        return [Violation(SIDECAR_NAME, "retiming", f"{n_timed} rows", f"{view.n_rows} rows")]
    return []
