"""What must hold for a clip: checks before writing and after opening, each naming the file and the shapes."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt16

from mu0.errors import SourceError
from mu0.files import inside
from mu0.sources.clip.info import REBUILD, ClipInfo
from mu0.sources.containers.video import VideoInfo, probe_video
from mu0.sources.faults import unreadable_file

MAX_DEPTH_MM = 65_535
UPRIGHT, TILTING = 5, 6
"""Actions of an arm whose hand points down, and of one whose hand tilts as well."""
MEASURED = 4  # of a state, besides the commands: the gripper and the TCP


def check_files(folder: Path, info: ClipInfo) -> None:
    """Check from the headers that every part exists and fits the others.

    Raises:
        SourceError: A part is missing or has another size or length.
    """
    video = inside(folder, info.video)
    size_px = (info.height_px, info.width_px)
    _require_size(video, probe_video(video), size_px)
    if info.has_depth:
        _require_size(folder / "depth.mkv", probe_video(folder / "depth.mkv"), size_px)
    if info.has_intrinsics or info.has_poses:
        cameras = load_arrays(folder / "cameras.npz")
        check_cameras(
            folder / "cameras.npz",
            info.n_frames,
            cameras.get("intrinsics", np.eye(3) if not info.has_intrinsics else None),
            cameras.get("camera_from_world") if info.has_poses else None,
            needs_poses=info.has_poses,
        )
    if info.has_robot:
        robot = load_arrays(folder / "robot.npz")
        check_robot(folder / "robot.npz", info.n_frames, robot.get("state"), robot.get("action"))


def _require_size(path: Path, found: VideoInfo, size_px: tuple[int, int]) -> None:
    if (found.height_px, found.width_px) != size_px:
        raise SourceError(
            f"{path} holds images of {found.height_px} x {found.width_px} pixels.",
            expected=f"{size_px[0]} x {size_px[1]} (height x width), the size of the clip's frames",
            remedy="register depth to the colour camera, or resize it without interpolation.",
        )


def check_cameras(
    path: Path,
    n_frames: int,
    intrinsics: np.ndarray | None,
    camera_from_world: np.ndarray | None,
    *,
    needs_poses: bool,
) -> None:
    """Check the camera arrays of a clip of `n_frames` frames.

    Raises:
        SourceError: A shape is wrong, a value is not finite, a focal length is not positive, or a pose is
            not a rigid motion.
    """
    require_array(path, "intrinsics", intrinsics, (3, 3))
    assert intrinsics is not None
    if intrinsics[0, 0] <= 0 or intrinsics[1, 1] <= 0:
        raise SourceError(
            f"{path}: focal lengths are {intrinsics[0, 0]:g} and {intrinsics[1, 1]:g} px.",
            expected="fx > 0 and fy > 0",
            remedy="correct the camera file of this clip.",
        )
    if not needs_poses:
        return
    require_array(path, "camera_from_world", camera_from_world, (n_frames, 4, 4))
    assert camera_from_world is not None
    rotation = camera_from_world[:, :3, :3]
    fault = np.abs(rotation @ rotation.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    bottom = np.abs(camera_from_world[:, 3] - [0, 0, 0, 1]).max(axis=1)
    bad = np.flatnonzero((fault > 1e-3) | (bottom > 1e-6) | (np.linalg.det(rotation) < 0))
    if bad.size:
        raise SourceError(
            f"{path}: camera_from_world[{bad[0]}] is no rigid motion (R R^T is off by {fault[bad[0]]:.2g}).",
            expected="rotations with determinant 1 and the last row 0 0 0 1",
            remedy="correct the poses of this clip, or remove them: they are then estimated.",
        )


def check_robot(path: Path, n_frames: int, state: np.ndarray | None, action: np.ndarray | None) -> None:
    """Check states and actions: one finite row per frame.

    Raises:
        SourceError: A shape is wrong or a value is not finite.
    """
    n_action = TILTING if action is not None and action.shape[1:] == (TILTING,) else UPRIGHT
    require_array(path, "action", action, (n_frames, n_action))
    require_array(path, "state", state, (n_frames, n_action + MEASURED))


def require_array(path: Path, name: str, array: np.ndarray | None, shape: tuple[int, ...]) -> None:
    """Raise a SourceError unless `array` exists with this shape and finite values."""
    if array is None or array.shape != shape:
        found = "is missing" if array is None else f"has shape {array.shape}"
        raise SourceError(
            f"{path}: {name} {found}.",
            expected=f"shape {shape}",
            remedy="correct this file, or leave it out where the clip does not need it.",
        )
    if not np.isfinite(array).all():
        raise SourceError(
            f"{path}: {name} holds {int((~np.isfinite(array)).sum())} values that are NaN or infinite.",
            expected="finite numbers",
            remedy="correct this file, or leave it out where the clip does not need it.",
        )


def depth_in_mm(
    name: str, index: int, depth_m: Float[np.ndarray, "h w"], shape: tuple[int, ...]
) -> UInt16[np.ndarray, "h2 w2"]:
    """Depth [m] as 16-bit millimetres, 0 = missing; what lies beyond 65.535 m counts as missing.

    Raises:
        SourceError: The image has another size than the frames, or holds NaN, infinite or negative values.
    """
    if depth_m.shape != shape:
        raise SourceError(
            f"{name}: depth image {index} has shape {depth_m.shape}.",
            expected=f"{shape} (height, width), the size of the colour frames",
            remedy="register depth to the colour camera, or resize it without interpolation.",
        )
    bad = ~np.isfinite(depth_m) | (depth_m < 0)
    if bad.any():
        raise SourceError(
            f"{name}: depth image {index} holds {int(bad.sum())} values that are NaN, infinite or negative.",
            expected="metres, with 0 where nothing was measured",
            remedy="write 0 where depth is missing: depth[~numpy.isfinite(depth)] = 0.",
        )
    depth_mm = np.rint(depth_m.astype(np.float64) * 1000)
    return np.where(depth_mm > MAX_DEPTH_MM, 0, depth_mm).astype(np.uint16)


def load_arrays(path: Path) -> dict[str, Any]:
    """All arrays of an .npz file; pickled objects are refused.

    Raises:
        SourceError: The file is missing, damaged, or holds pickled objects.
    """
    try:
        # opened here, for numpy forgets to close a file that is no archive
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds one array, not an archive")  # noqa: TRY004, TRY301 - told below
            return {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise SourceError(f"{path} is missing.", expected="an .npz file", remedy=REBUILD) from None
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise unreadable_file(path, error, "an .npz file of arrays", REBUILD) from error


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz file whose bytes depend on the arrays only (zip members carry no clock time)."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in sorted(arrays.items()):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0)), buffer.getvalue()
            )
