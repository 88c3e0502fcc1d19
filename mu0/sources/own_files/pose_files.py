"""Files of camera poses: of the camera in the world, as TUM, KITTI, Redwood, Replica and ScanNet write them.

poses.txt, traj.txt ...   per line 16 or 12 numbers (rows of the matrix), or `time x y z qx qy qz qw`
groundtruth.txt           `time x y z qx qy qz qw`
trajectory.log            Redwood: a line of frame numbers, then four lines of the matrix
odometry.csv              columns x y z qx qy qz qw by name, with timestamp or frame
pose/000012.txt           a matrix per frame, by number; `frame-000012.pose.txt` beside the frames too
cameras.npz               `camera_from_world` or `world_from_camera`, and `intrinsics`
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation, Slerp

from mu0.errors import SourceError
from mu0.files import in_natural_order
from mu0.geometry.rigid import invert
from mu0.sources.clip.checks import load_arrays
from mu0.sources.own_files.picture_rows import Number, numbers_of, words_of
from mu0.sources.own_files.time_lists import MAX_TIME_GAP_S, is_comment, text_of

POSE_NAMES = ("poses.txt", "groundtruth.txt", "trajectory.log")
OTHER_POSE_NAMES = (
    "traj.txt", "trajectory.txt", "pose.txt", "camera_poses.txt", "cam_poses.txt", "traj.log",
    "groundtruth_trajectory.txt", "odometry.csv", "poses.csv", "trajectory.csv", "traj_w_c.txt",
)  # fmt: skip
POSE_FOLDERS = ("pose", "poses", "camera_poses", "cam_poses")
COLUMNS = ("x", "y", "z", "qx", "qy", "qz", "qw")
KEYS = ("frame", "timestamp", "time", "t")


@dataclass(frozen=True)
class Poses:
    """`world_from_camera`, with a time or frame number each where the file has them."""

    keys: Float[np.ndarray, " n"] | None
    world_from_camera: Float[np.ndarray, "n 4 4"]


def find_pose_files(folder: Path, frames: Path) -> tuple[Path, ...]:
    """The file of poses, or the files of one pose each; none if there are none.

    Args:
        folder: The clip's folder.
        frames: Where its frames lie, beside which files of one pose each may lie.
    """
    if (folder / "cameras.npz").is_file():
        return (folder / "cameras.npz",)
    names = (*POSE_NAMES, *OTHER_POSE_NAMES)
    if found := next((folder / name for name in names if (folder / name).is_file()), None):
        return (found,)
    for place in (*(folder / name for name in POSE_FOLDERS), frames):
        if place.is_dir():
            texts = [path for path in place.glob("*.txt") if place != frames or "pose" in words_of(path.stem)]
            if len(texts) > 1:
                return tuple(in_natural_order(texts))
    return ()


def read_poses(
    files: tuple[Path, ...],
    frames: tuple[Path, ...],
    times_s: Float[np.ndarray, " t"] | None,
    per_s: float = 1.0,
) -> tuple[Float[np.ndarray, "t 4 4"] | None, str]:
    """Poses `camera_from_world` of the frames, and what to tell; None where there are none.

    Args:
        files: From `find_pose_files`.
        frames: All frames of the folder; their numbers select poses.
        times_s: Time of each frame, where known; selects entries of files with times.
        per_s: Units of time per second in the folder's lists.

    Raises:
        SourceError: A file is damaged or lacks the pose of a frame.
    """
    if not files:
        return None, ""
    if len(files) > 1:
        return _one_each(files, frames)
    return (_stored if files[0].suffix == ".npz" else _listed)(files[0], frames, times_s, per_s), ""


def _stored(path: Path, *_: object) -> Float[np.ndarray, "t 4 4"] | None:
    arrays = load_arrays(path)
    if "camera_from_world" in arrays:
        return arrays["camera_from_world"]
    return invert(arrays["world_from_camera"]) if "world_from_camera" in arrays else None


def _listed(
    path: Path, frames: tuple[Path, ...], times_s: Float[np.ndarray, " t"] | None, per_s: float
) -> Float[np.ndarray, "t 4 4"]:
    poses = parse_poses(path)
    if times_s is not None and path.suffix != ".log" and poses.keys is not None:
        keys = poses.keys / per_s
        missing = np.flatnonzero(~_has_pose(keys, times_s))
        if missing.size:
            raise _no_pose(path, frames[missing[0]].stem, len(keys))
        return invert(_poses_at(keys, poses.world_from_camera, times_s))
    if len(poses.world_from_camera) == len(frames):
        return invert(poses.world_from_camera)
    return invert(poses.world_from_camera[_rows_by_number(path, poses, frames)])


def frames_with_pose(
    files: tuple[Path, ...], times_s: Float[np.ndarray, " t"], per_s: float = 1.0
) -> Bool[np.ndarray, " t"]:
    """Which frames lie within 20 ms of a pose; none where the folder has no poses with times.

    Raises:
        SourceError: The pose file is damaged.
    """
    if not have_times(files):
        return np.zeros(len(times_s), bool)
    keys = parse_poses(files[0]).keys
    assert keys is not None
    return _has_pose(keys / per_s, times_s)


def have_times(files: tuple[Path, ...]) -> bool:
    """Whether the poses have times; raises as `parse_poses`."""
    return len(files) == 1 and files[0].suffix in {".txt", ".csv"} and parse_poses(files[0]).keys is not None


def _rows_by_number(path: Path, poses: Poses, frames: tuple[Path, ...]) -> list[int]:
    """The entry of each frame: by the file's own numbers, else the frame's number counts lines from 0."""
    n_poses = len(poses.world_from_camera)
    keys = np.arange(n_poses) if poses.keys is None else poses.keys
    row_of = {(int(key), ""): row for row, key in enumerate(keys)}
    numbers = numbers_of(frames)
    for frame, number in zip(frames, numbers, strict=True):
        if number not in row_of:
            raise _no_pose(path, frame.stem, n_poses)
    return [row_of[number] for number in numbers if number is not None]


def _one_each(
    files: tuple[Path, ...], frames: tuple[Path, ...]
) -> tuple[Float[np.ndarray, "t 4 4"] | None, str]:
    place: dict[Number | None, Path] = dict(zip(numbers_of(files), files, strict=True))
    numbers = numbers_of(frames)
    there = [number for number in numbers if number is not None and number in place]
    poses = [parse_poses(place[number]).world_from_camera for number in there]
    usable = [len(pose) == 1 and bool(np.isfinite(pose).all()) for pose in poses]
    n_lost = len(frames) - sum(usable)
    if n_lost:
        return (
            None,
            f"poses in {files[0].parent.name}/ were left out: {n_lost} of {len(frames)} frames have none",
        )
    return invert(np.concatenate(poses)), ""


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


def parse_poses(path: Path) -> Poses:
    """The poses of one file.

    Raises:
        SourceError: It holds something else.
    """
    lines = [
        re.split(r"[\s,;]+", line.strip()) for line in text_of(path).splitlines() if not is_comment(line)
    ]
    rows = [[number for number in line if number] for line in lines]
    try:
        if path.suffix == ".log":
            heads = np.array([int(row[0]) for row in rows[::5]], np.float64)
            body = [row for index, row in enumerate(rows) if index % 5]
            return Poses(heads, np.array(body, np.float64).reshape(len(heads), 4, 4))
        if rows and {"x", "qx"} <= {name.lower() for name in rows[0]}:
            return _by_columns(rows)
        return _of_numbers(np.array(rows, np.float64))
    except ValueError as error:
        raise SourceError(
            f"{path} does not hold poses: {error}.",
            expected="lines of 16, 12 or 8 numbers, or a Redwood trajectory.log",
            remedy="correct the file, or remove it: the poses are then estimated.",
        ) from error


def _of_numbers(numbers: Float[np.ndarray, "..."]) -> Poses:
    if numbers.ndim == 2 and numbers.shape[1] == 4 and len(numbers) % 4 == 0:  # matrices below each other
        numbers = numbers.reshape(-1, 16)
    poses = np.tile(np.eye(4), (len(numbers), 1, 1))
    if numbers.ndim == 2 and numbers.shape[1] in {12, 16}:
        poses[:, : numbers.shape[1] // 4] = numbers.reshape(len(numbers), -1, 4)
        return Poses(None, poses)
    if numbers.ndim != 2 or numbers.shape[1] != 8:
        raise ValueError(f"lines of {numbers.shape[-1] if numbers.size else 0} numbers")
    return Poses(numbers[:, 0].copy(), _rigid(numbers[:, 1:4], numbers[:, 4:]))


def _by_columns(rows: list[list[str]]) -> Poses:
    names = [name.lower() for name in rows[0]]
    table = {name: np.array([row[place] for row in rows[1:]], np.float64) for place, name in enumerate(names)}
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ValueError(f"no columns {', '.join(missing)}")
    key = next((name for name in KEYS if name in table), None)
    metres, turn = (np.stack([table[name] for name in part], 1) for part in (COLUMNS[:3], COLUMNS[3:]))
    return Poses(None if key is None else table[key], _rigid(metres, turn))


def _rigid(
    metres: Float[np.ndarray, "n 3"], quaternion: Float[np.ndarray, "n 4"]
) -> Float[np.ndarray, "n 4 4"]:
    poses = np.tile(np.eye(4), (len(metres), 1, 1))
    poses[:, :3, :3] = Rotation.from_quat(quaternion).as_matrix()
    poses[:, :3, 3] = metres
    return poses
