"""AgiBot World's camera parameters.

    <camera>_intrinsic_params.json           {"intrinsic": {"fx", "fy", "ppx", "ppy", "k1" ... "p2"}}
    <camera>_extrinsic_params_aligned.json   a list with one entry per frame:
                                             {"extrinsic": {"rotation_matrix", "translation_vector"}}

The aligned extrinsics are the camera's pose in the robot's base (`base_from_camera`, metres): a point p of
the base lies at R^T (p - t) in the camera. `<camera>_extrinsic_params.json` without "aligned" is the robot's
default posture and is not read: the head moves.

Source: the maintainers in github.com/OpenDriveLab/AgiBot-World, issues 17 and 45.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mu0.errors import SourceError
from mu0.files import inside
from mu0.geometry.rigid import invert
from mu0.sources.dataset_clip import RecordedCamera
from mu0.text_files import load_json

CAMERA_FOLDERS = ("parameters/camera", "camera")
DISTORTION_KEYS = ("k1", "k2", "k3", "p1", "p2")


def camera_files(folder: Path, camera: str) -> list[Path]:
    """The parameter files of a camera that exist: intrinsics, then poses.

    Raises:
        SourceError: One is a link out of the folder.
    """
    names = (f"{camera}_intrinsic_params.json", f"{camera}_extrinsic_params_aligned.json")
    return [path for name in names if (path := inside(folder, name)).is_file()]


def read_camera(folder: Path, camera: str, n_frames: int) -> tuple[RecordedCamera, str]:
    """What the parameter files say about a camera, and a note on what they do not.

    Poses are left out where their number is not that of the frames: nothing says which belongs to which.

    Args:
        folder: The episode's camera folder.
        camera: The camera's name, such as "head".
        n_frames: Frames of the video.

    Raises:
        SourceError: A file is damaged.
    """
    intrinsics, poses, notes = None, None, []
    for path in camera_files(folder, camera):
        try:
            content = load_json(path)
            if "intrinsic_params" in path.name:
                intrinsics = _intrinsics(content["intrinsic"])
                if any(float(content["intrinsic"].get(key, 0)) for key in DISTORTION_KEYS):
                    notes.append("the lens distorts, which is not corrected")
            else:
                poses = _poses(content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"{path} does not describe a camera: {error!r}.",
                expected="AgiBot World's camera parameters",
                remedy="download this file again.",
            ) from error
    if poses is not None and len(poses) != n_frames:
        notes.append(f"camera poses were left out: {len(poses)} for {n_frames} frames")
        poses = None
    if poses is None:
        return RecordedCamera(intrinsics), "; ".join(notes)
    return RecordedCamera(intrinsics, invert(poses), hand_eye_source="data"), "; ".join(notes)


def _intrinsics(values: dict[str, Any]) -> Float[np.ndarray, "3 3"]:
    fx, fy, cx, cy = (float(values[name]) for name in ("fx", "fy", "ppx", "ppy"))
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)


def _poses(content: list[dict[str, Any]]) -> Float[np.ndarray, "t 4 4"]:
    poses = np.tile(np.eye(4), (len(content), 1, 1))
    for pose, entry in zip(poses, content, strict=True):
        pose[:3, :3] = np.asarray(entry["extrinsic"]["rotation_matrix"], np.float64).reshape(3, 3)
        pose[:3, 3] = np.asarray(entry["extrinsic"]["translation_vector"], np.float64).reshape(3)
    return poses
