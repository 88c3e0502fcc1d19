"""Camera files that people have: intrinsics, poses and how depth lies to colour, in their usual spellings.

Intrinsics, `camera.json` or `intrinsics.json`
    {"fx", "fy", "cx", "cy"}, {"K": 3 x 3}, or Open3D's {"intrinsic_matrix": nine numbers by columns}; may lie
    under "color" (or "colour", "rgb") when the file also describes a "depth" camera. Depth of a camera of
    its own is registered when the file holds "colour_from_depth" (4 x 4) or a "depth_to_color_translation_m".
Poses (of the camera in the world, as TUM, KITTI and Redwood write them)
    poses.txt         per line 16 or 12 numbers (rows of the matrix), or `time x y z qx qy qz qw`
    groundtruth.txt   `time x y z qx qy qz qw`
    trajectory.log    Redwood: a line of frame numbers, then four lines of the matrix
    cameras.npz       `camera_from_world` or `world_from_camera`, and `intrinsics`
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation, Slerp

from mu0.errors import SourceError
from mu0.geometry.rigid import invert
from mu0.sources.clip.checks import load_arrays

CAMERA_NAMES = ("camera.json", "intrinsics.json", "camera_intrinsic.json")
COLOUR_KEYS = ("color", "colour", "rgb")
POSE_NAMES = ("poses.txt", "groundtruth.txt", "trajectory.log")
MAX_TIME_GAP_S = 0.02


@dataclass(frozen=True)
class CameraFile:
    """What a folder says about its cameras; None where it says nothing."""

    intrinsics: Float[np.ndarray, "3 3"] | None = None
    depth_intrinsics: Float[np.ndarray, "3 3"] | None = None
    colour_from_depth: Float[np.ndarray, "4 4"] | None = None
    is_estimated: bool = False
    fps_hz: float | None = None

    @property
    def has_own_depth_camera(self) -> bool:
        """Depth has other intrinsics than colour, so its pixels are not the image's."""
        if self.depth_intrinsics is None or self.intrinsics is None:
            return False
        return not np.allclose(self.depth_intrinsics, self.intrinsics, rtol=1e-3)


def read_camera_file(folder: Path) -> CameraFile:
    """Read the camera file of an RGB-D or frame folder; an empty answer where there is none.

    Raises:
        SourceError: The file is not JSON or its numbers are no camera.
    """
    path = next((folder / name for name in CAMERA_NAMES if (folder / name).is_file()), None)
    if path is None:
        stored = folder / "cameras.npz"
        return CameraFile(load_arrays(stored).get("intrinsics")) if stored.is_file() else CameraFile()
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        colour = next((content[key] for key in COLOUR_KEYS if key in content), content)
        rate = next((content[key] for key in ("fps_hz", "fps", "nominal_hz") if key in content), None)
        colour_from_depth, is_estimated = _colour_from_depth(content)
        return CameraFile(
            intrinsics=_matrix(colour),
            depth_intrinsics=_matrix(content["depth"]) if isinstance(content.get("depth"), dict) else None,
            colour_from_depth=colour_from_depth,
            is_estimated=is_estimated,
            fps_hz=float(rate) if rate else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{path} does not describe a camera: {error!r}.",
            expected='JSON such as {"fx": 525, "fy": 525, "cx": 319.5, "cy": 239.5}, or {"K": [[...], ...]}',
            remedy="correct the file, or remove it when the camera is unknown.",
        ) from error


def _matrix(camera: dict[str, Any]) -> Float[np.ndarray, "3 3"] | None:
    if "K" in camera:
        matrix = np.asarray(camera["K"], np.float64).reshape(3, 3)
    elif "intrinsic_matrix" in camera:  # Open3D writes columns
        matrix = np.asarray(camera["intrinsic_matrix"], np.float64).reshape(3, 3).T.copy()
    elif "fx" in camera:
        fx, fy, cx, cy = (float(camera[name]) for name in ("fx", "fy", "cx", "cy"))
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)
    else:
        return None
    if not (np.isfinite(matrix).all() and matrix[0, 0] > 0 and matrix[1, 1] > 0):
        raise ValueError(f"focal lengths are {matrix[0, 0]:g} and {matrix[1, 1]:g} px, or not all is finite")
    return matrix


def _colour_from_depth(content: dict[str, Any]) -> tuple[Float[np.ndarray, "4 4"] | None, bool]:
    if "colour_from_depth" in content:
        return np.asarray(content["colour_from_depth"], np.float64).reshape(4, 4), False
    for key in ("depth_to_color_translation_m", "depth_to_color_translation_m_estimated"):
        if key in content:
            transform = np.eye(4)
            transform[:3, 3] = np.asarray(content[key], np.float64)
            return transform, key.endswith("_estimated")
    return None, False


def read_poses(
    folder: Path, names: list[str], times_s: Float[np.ndarray, " t"] | None
) -> Float[np.ndarray, "t 4 4"] | None:
    """Camera poses `camera_from_world` of the named frames; None where the folder has no pose file.

    Args:
        folder: The clip's folder.
        names: Stems of the frames; their numbers select the entries of a trajectory.log.
        times_s: Time of each frame, where known; selects entries of files with times.

    Raises:
        SourceError: The file is damaged or lacks the pose of a frame.
    """
    stored = folder / "cameras.npz"
    if stored.is_file():
        arrays = load_arrays(stored)
        if "camera_from_world" in arrays:
            return arrays["camera_from_world"]
        return invert(arrays["world_from_camera"]) if "world_from_camera" in arrays else None
    path = next((folder / name for name in POSE_NAMES if (folder / name).is_file()), None)
    if path is None:
        return None
    keys, poses = _parse_poses(path)
    if times_s is not None and path.suffix == ".txt" and keys is not None:
        missing = np.flatnonzero(~_has_pose(keys, times_s))
        if missing.size:
            raise _no_pose(path, names[missing[0]], len(poses))
        return invert(_poses_at(keys, poses, times_s))
    if len(poses) == len(names):
        return invert(poses)
    number_of = {} if keys is None else {int(key): row for row, key in enumerate(keys)}
    for name in names:
        if not name.isdecimal() or int(name) not in number_of:
            raise _no_pose(path, name, len(poses))
    return invert(poses[[number_of[int(name)] for name in names]])


def frames_with_pose(folder: Path, times_s: Float[np.ndarray, " t"]) -> Bool[np.ndarray, " t"]:
    """Which frames lie within 20 ms of a pose; none where the folder has no poses with times.

    Raises:
        SourceError: The pose file is damaged.
    """
    path = next((folder / name for name in POSE_NAMES if (folder / name).is_file()), None)
    keys = None if path is None or path.suffix != ".txt" else _parse_poses(path)[0]
    return np.zeros(len(times_s), bool) if keys is None else _has_pose(keys, times_s)


def _has_pose(keys: Float[np.ndarray, " n"], times_s: Float[np.ndarray, " t"]) -> Bool[np.ndarray, " t"]:
    return np.abs(keys[None] - times_s[:, None]).min(1) <= MAX_TIME_GAP_S


def _poses_at(
    keys: Float[np.ndarray, " n"], poses: Float[np.ndarray, "n 4 4"], times_s: Float[np.ndarray, " t"]
) -> Float[np.ndarray, "t 4 4"]:
    """Poses between two measured ones that both lie near, else the nearest one: 5 ms matter at 0.5 m/s."""
    keys, first = np.unique(keys, return_index=True)
    poses = poses[first]
    found = poses[np.abs(keys[None] - times_s[:, None]).argmin(1)]
    if len(keys) < 2:
        return found
    after = np.clip(np.searchsorted(keys, times_s), 1, len(keys) - 1)
    between = (keys[after - 1] <= times_s) & (times_s <= keys[after])
    between &= keys[after] - keys[after - 1] <= 2 * MAX_TIME_GAP_S
    share = ((times_s - keys[after - 1]) / (keys[after] - keys[after - 1]))[between, None]
    found[between, :3, :3] = Slerp(keys, Rotation.from_matrix(poses[:, :3, :3]))(times_s[between]).as_matrix()
    found[between, :3, 3] = (1 - share) * poses[after - 1, :3, 3][between] + share * poses[after, :3, 3][
        between
    ]
    return found


def _no_pose(path: Path, name: str, n_poses: int) -> SourceError:
    return SourceError(
        f"{path} holds {n_poses} poses, but none for frame {name}.",
        expected="one pose per frame, or times or frame numbers that match",
        remedy="correct the file, or remove it: the poses are then estimated.",
    )


def _parse_poses(path: Path) -> tuple[Float[np.ndarray, " n"] | None, Float[np.ndarray, "n 4 4"]]:
    """Times or frame numbers (None where the file has none) and `world_from_camera`."""
    lines = [line.split() for line in path.read_text(errors="replace").splitlines()]
    rows = [line for line in lines if line and not line[0].startswith("#")]
    try:
        if path.suffix == ".log":
            heads = np.array([int(row[0]) for row in rows[::5]], np.float64)
            body = [row for index, row in enumerate(rows) if index % 5]
            return heads, np.array(body, np.float64).reshape(len(heads), 4, 4)
        numbers = np.array(rows, np.float64)
        poses = np.tile(np.eye(4), (len(numbers), 1, 1))
        if numbers.ndim == 2 and numbers.shape[1] in {12, 16}:
            poses[:, : numbers.shape[1] // 4] = numbers.reshape(len(numbers), -1, 4)
            return None, poses
        if numbers.ndim != 2 or numbers.shape[1] != 8:
            raise ValueError(f"lines of {numbers.shape[-1] if numbers.size else 0} numbers")  # noqa: TRY301
        poses[:, :3, :3] = Rotation.from_quat(numbers[:, 4:]).as_matrix()
        poses[:, :3, 3] = numbers[:, 1:4]
        return numbers[:, 0].copy(), poses
    except ValueError as error:
        raise SourceError(
            f"{path} does not hold poses: {error}.",
            expected="lines of 16, 12 or 8 numbers, or a Redwood trajectory.log",
            remedy="correct the file, or remove it: the poses are then estimated.",
        ) from error
