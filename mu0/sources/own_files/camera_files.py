"""Camera files that people have: intrinsics, the unit of depth, the rate, and how depth lies to colour.

Read are camera.json, intrinsics.json and files whose names speak of a camera (`cam_params.json`,
`calib.yaml`, `intrinsics.txt`, `cam_K.txt` ...), as JSON, YAML, `key: value`, or a bare matrix; the spellings
of keys are those of `mu0.sources.camera_keys`. In a JSON or YAML file that describes several cameras, "color"
(or "colour", "rgb") is the frames' and "depth" the other one's. Depth of a camera of its own is registered
when the file holds "colour_from_depth" (4 x 4) or a "depth_to_color_translation_m".

Intrinsics of pictures of another size are scaled, if the shape is the same. A file that is named like a
camera and holds none is an error; a key that was not understood is told.
"""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float

from mu0.errors import SourceError
from mu0.sources.calibration import Calibration
from mu0.sources.camera_keys import CameraKeys, camera_matrix, listed
from mu0.sources.clip.checks import load_arrays
from mu0.text_files import read_text

CAMERA_NAMES = ("camera.json", "intrinsics.json", "camera_intrinsic.json")
CAMERA_SUFFIXES = frozenset({".json", ".yaml", ".yml", ".txt", ".csv", ".npy"})
CAMERA_WORDS = frozenset({"camera", "cam", "intrinsic", "intrinsics", "calib", "calibration", "k"})
NOT_CAMERA_WORDS = frozenset(
    {"pose", "poses", "traj", "trajectory", "extrinsic", "extrinsics", "depth", "ir", "imu", "times",
     "timestamps", "motion", "path", "tracking"}
)  # fmt: skip
CAMERA_FOLDERS = ("intrinsic", "intrinsics", "calib", "calibration", "camera")
DISTORTION = (
    "distortion",
    "dist_coeffs",
    "dist",
    "d",
    "coeffs",
    "distortion_coefficients",
    "k1",
    "k2",
    "k3",
    "p1",
    "p2",
)


@dataclass(frozen=True)
class CameraFile:
    """What a folder says about its cameras; None where it says nothing."""

    intrinsics: Float[np.ndarray, "3 3"] | None = None
    depth_intrinsics: Float[np.ndarray, "3 3"] | None = None
    colour_from_depth: Float[np.ndarray, "4 4"] | None = None
    is_estimated: bool = False
    fps_hz: float | None = None
    size_px: tuple[int, int] | None = None
    depth_units_per_m: float | None = None
    path: Path | None = None
    note: str = ""

    @property
    def has_own_depth_camera(self) -> bool:
        """Depth has other intrinsics than colour, so its pixels are not the image's."""
        if self.depth_intrinsics is None or self.intrinsics is None:
            return False
        return not np.allclose(self.depth_intrinsics, self.intrinsics, rtol=1e-3)

    def intrinsics_for(self, size_px: tuple[int, int]) -> Float[np.ndarray, "3 3"] | None:
        """The intrinsics for frames of this size (height, width).

        Raises:
            SourceError: The file was measured on pictures of another shape.
        """
        return Calibration(self.intrinsics, self.size_px).intrinsics_for(size_px, str(self.path))


def find_camera_file(folder: Path) -> Path | None:
    """The file that describes the folder's camera: by its usual name, else by the words of its name."""
    usual = next((folder / name for name in CAMERA_NAMES if (folder / name).is_file()), None)
    if usual is not None or (folder / "cameras.npz").is_file():
        return usual or folder / "cameras.npz"
    places = [folder, *(folder / name for name in CAMERA_FOLDERS if (folder / name).is_dir())]
    found = [path for place in places for path in sorted(place.iterdir()) if _is_named_like_one(path)]
    return next((path for path in found if words(path) & {"color", "colour", "rgb"}), next(iter(found), None))


def words(path: Path) -> set[str]:
    """The words of a file's name."""
    return set(re.split(r"[^a-z]+", path.stem.casefold()))


def _is_named_like_one(path: Path) -> bool:
    return (
        path.suffix.lower() in CAMERA_SUFFIXES
        and bool(words(path) & CAMERA_WORDS)
        and not words(path) & NOT_CAMERA_WORDS
        and path.is_file()
    )


def read_camera_file(folder: Path) -> CameraFile:
    """Read the camera file of an RGB-D or frame folder; an empty answer where there is none.

    Raises:
        SourceError: The file cannot be read, its numbers are no camera, or it holds none.
    """
    path = find_camera_file(folder)
    if path is None:
        return CameraFile(depth_units_per_m=_scale_beside(folder))
    if path.suffix == ".npz":
        return CameraFile(
            load_arrays(path).get("intrinsics"), path=path, depth_units_per_m=_scale_beside(folder)
        )
    try:
        content = _parsed(path)
        if isinstance(content, np.ndarray):
            found = CameraFile(camera_matrix(content), path=path)
        else:
            found = _from_keys(path, CameraKeys(content))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, yaml.YAMLError) as error:
        raise SourceError(
            f"{path} does not describe a camera: {error!r}.",
            expected='JSON such as {"fx": 525, "fy": 525, "cx": 319.5, "cy": 239.5}, or {"K": [[...], ...]}',
            remedy="correct the file, or remove it when the camera is unknown.",
        ) from error
    if found.depth_units_per_m is None:
        found = replace(found, depth_units_per_m=_scale_beside(folder))
    return found


def _scale_beside(folder: Path) -> float | None:
    """The unit of depth in a file of its own, depth_scale.txt."""
    path = folder / "depth_scale.txt"
    if not path.is_file():
        return None
    try:
        return CameraKeys({"depth_scale": read_text(path).text.strip()}).depth_units_per_m()
    except ValueError as error:
        raise SourceError(
            f"{path} is no scale of depth: {error}.",
            expected="one number: units per metre, or metres per unit",
            remedy="correct the file, or remove it.",
        ) from error


def _from_keys(path: Path, keys: CameraKeys) -> CameraFile:
    colour_from_depth, is_estimated = _colour_from_depth(keys)
    depth = keys.within(("depth", "depth_camera"))
    found = CameraFile(
        intrinsics=keys.intrinsics(),
        depth_intrinsics=None if depth is None else depth.intrinsics(),
        colour_from_depth=colour_from_depth,
        is_estimated=is_estimated,
        fps_hz=keys.rate_hz(),
        size_px=keys.size_px(),
        depth_units_per_m=keys.depth_units_per_m(),
        path=path,
    )
    if depth is not None:
        depth.size_px()  # registration does not need it
    is_bent = any(np.any(np.asarray(value, np.float64)) for value in _distortion(keys))
    left = keys.unused()
    if found.intrinsics is None and (left or not keys.used):
        raise ValueError(f"no intrinsics under its keys {listed(sorted(map(str, keys.content)))}")
    notes = [f"keys of {path.name} that were not used: {listed(left)}"] * bool(left)
    notes += [f"the lens distortion in {path.name} was not removed"] * is_bent
    return replace(found, note="; ".join(notes))


def _distortion(keys: CameraKeys) -> list[Any]:
    places = [keys, *keys.inner.values()]
    found = [place.find((name,)) for place in places for name in DISTORTION]
    return [value.get("data", 0) if isinstance(value, dict) else value for value in found
            if isinstance(value, int | float | list | dict)]  # fmt: skip


def _parsed(path: Path) -> dict[str, Any] | Float[np.ndarray, "..."]:
    """The object of a JSON, YAML or `key: value` file, or the numbers of a bare matrix."""
    if path.suffix.lower() == ".npy":
        return np.asarray(np.load(path, allow_pickle=False), np.float64)
    text = read_text(path).text
    if path.suffix.lower() == ".json":
        content = json.loads(text)
    elif path.suffix.lower() in {".yaml", ".yml"}:
        # OpenCV's files begin with %YAML:1.0 and tag their matrices
        content = yaml.safe_load(re.sub(r"^%YAML.*$|!!opencv-matrix", "", text, flags=re.MULTILINE))
    elif re.search(r"[a-df-zA-DF-Z]", re.sub(r"#.*", "", text)):
        content = dict(_pair(line) for line in text.splitlines() if re.match(r"\s*\w+\s*[:=]?\s", line))
    else:
        rows = re.sub(r"#.*|[\[\],;]", " ", text).split()
        return np.array(rows, np.float64)
    if isinstance(content, list):
        return np.asarray(content, np.float64)
    if not isinstance(content, dict):
        raise TypeError(f"it holds {type(content).__name__}")
    return _nested(content)


def _nested(content: dict[str, Any]) -> dict[str, Any]:
    """ORB-SLAM writes `Camera.fx`: what has a point becomes an object of its own."""
    found: dict[str, Any] = {key: value for key, value in content.items() if "." not in str(key)}
    for key, value in content.items():
        outer, point, inner = str(key).partition(".")
        if point and isinstance(found.setdefault(outer, {}), dict):
            found[outer][inner] = value
    return found


def _pair(line: str) -> tuple[str, Any]:
    name, value = re.split(r"\s*[:=]\s*|\s+", line.strip(), maxsplit=1)
    numbers = re.split(r"[\s,]+", value.strip(" []"))
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        return name, value
    return name, values[0] if len(values) == 1 else values


def _colour_from_depth(keys: CameraKeys) -> tuple[Float[np.ndarray, "4 4"] | None, bool]:
    matrix = keys.find(("colour_from_depth", "color_from_depth"))
    if matrix is not None:
        return np.asarray(matrix, np.float64).reshape(4, 4), False
    for name in ("depth_to_color_translation_m", "depth_to_color_translation_m_estimated"):
        if (shift := keys.find((name,))) is not None:
            transform = np.eye(4)
            transform[:3, 3] = np.asarray(shift, np.float64)
            return transform, name.endswith("_estimated")
    return None, False
