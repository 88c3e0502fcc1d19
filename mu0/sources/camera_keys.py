"""A camera as JSON: the spellings that tools write, and which keys were not understood.

Intrinsics   fx fy cx cy (fl_x, focal_x, ppx, c_x ...), a 3 x 3 or 4 x 4 matrix by rows or by columns (K,
             intrinsic_matrix, camera_matrix, intrinsics ...), or four numbers `intrinsics: [fx, fy, cx, cy]`
Size         width and height, w and h, image_size ... of the pictures that it was measured on
Depth        depth_scale, png_depth_scale, depth_units_per_m, depth_unit ...: above 1 units per metre, below 1
             metres per unit
Rate         fps, frame_rate ... [Hz]

A matrix is by columns where its centre stands in the last row: Open3D, Record3D and others write it so.
Whoever reads a camera asks `unused()` and tells it: a key that nobody understood may be the one that counts.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float

FOCAL_X = ("fx", "fl_x", "focal_x", "f_x", "focal_length_x", "fx_px")
FOCAL_Y = ("fy", "fl_y", "focal_y", "f_y", "focal_length_y", "fy_px")
CENTRE_X = ("cx", "ppx", "c_x", "principal_x", "principal_point_x", "cx_px")
CENTRE_Y = ("cy", "ppy", "c_y", "principal_y", "principal_point_y", "cy_px")
FOCAL_BOTH = ("f", "focal", "focal_length", "focal_px")
CENTRE_BOTH = ("principal_point", "pp", "center", "centre")
MATRICES = (
    "k", "intrinsic_matrix", "camera_matrix", "cam_k", "intrinsics_matrix", "intrinsics", "intrinsic",
    "matrix", "intrinsic_mat", "color_intrinsic", "color_intrinsics", "p", "projection_matrix",
)  # fmt: skip
WIDTHS = ("width", "w", "width_px", "image_width", "img_width", "imagewidth", "w_px", "camera_width")
HEIGHTS = ("height", "h", "height_px", "image_height", "img_height", "imageheight", "h_px", "camera_height")
SIZES = ("image_size", "resolution", "size", "img_size", "image_resolution")  # width before height
SCALES = (
    "depth_scale", "png_depth_scale", "depth_units_per_m", "depth_factor", "depth_map_factor", "depthscale",
    "depthmapfactor", "depth_unit", "depth_units", "depth_scaling_factor", "depth_scale_factor",
    "depth_unit_scale_factor", "depth_to_m", "depth_scale_m", "depth_divisor", "depth_multiplier",
    "meters_per_unit", "metres_per_unit", "units_per_meter", "units_per_metre",
)  # fmt: skip
INNER_SCALES = ("scale", "scale_m", "unit", "units")  # too plain to trust outside of a camera's own object
RATES = ("fps_hz", "fps", "nominal_hz", "frame_rate", "framerate", "rate_hz", "frame_rate_hz", "hz")
INNER = (
    "camera", "cam", "color", "colour", "rgb", "intrinsics", "intrinsic", "camera_info",
    "intrinsic_parameters",
)  # fmt: skip
FOR_PEOPLE = re.compile(
    r"note|comment|description|name$|model$|serial|version|date|author|source$", re.IGNORECASE
)
MOST_KEYS = 12
UNITS_PER_M = {"m": 1.0, "meter": 1.0, "metre": 1.0, "dm": 10.0, "cm": 100.0, "centimeter": 100.0,
               "centimetre": 100.0, "mm": 1000.0, "millimeter": 1000.0, "millimetre": 1000.0,
               "um": 1e6, "micrometer": 1e6, "micrometre": 1e6}  # fmt: skip


@dataclass
class CameraKeys:
    """One JSON object that is read key by key; large and small letters, `-`, `_` and blanks are the same."""

    content: dict[str, Any]
    used: set[str] = field(default_factory=set)
    inner: dict[str, "CameraKeys"] = field(default_factory=dict)

    def find(self, names: tuple[str, ...]) -> Any:
        """The value of the first of these keys that is there, marked as used; None if none is."""
        spelled = {_plain(key): key for key in self.content}
        for name in names:
            if _plain(name) in spelled and self.content[spelled[_plain(name)]] is not None:
                key = spelled[_plain(name)]
                self.used.add(key)
                return self.content[key]
        return None

    def within(self, names: tuple[str, ...]) -> "CameraKeys | None":
        """The object under the first of these keys that holds one."""
        for key, value in self.content.items():
            if _plain(key) in {_plain(name) for name in names} and isinstance(value, dict):
                self.used.add(key)
                return self.inner.setdefault(key, CameraKeys(value))
        return None

    def unused(self) -> list[str]:
        """Keys that nobody asked for, those of inner objects with their path."""
        left = [
            key
            for key in self.content
            if not (key in self.used or key in self.inner or _is_remark(key, self))
        ]
        return left + [f"{key}.{name}" for key, inner in self.inner.items() for name in inner.unused()]

    def intrinsics(self) -> Float[np.ndarray, "3 3"] | None:
        """The camera matrix [px], here or in an inner object; None where there is none.

        Raises:
            ValueError: There is one, but its numbers are no camera.
            KeyError: Some of fx, fy, cx, cy are missing.
        """
        found = self._matrix()
        if found is None:
            found = self._numbers()
        if found is None:
            inner = self.within(INNER)
            return None if inner is None else inner.intrinsics()
        if not (np.isfinite(found).all() and found[0, 0] > 0 and found[1, 1] > 0):
            focal = f"{found[0, 0]:g} and {found[1, 1]:g} px"
            raise ValueError(f"focal lengths are {focal}, or not all is finite")
        return found

    def size_px(self) -> tuple[int, int] | None:
        """(height, width) of the pictures that the camera was measured on."""
        width, height = self.find(WIDTHS), self.find(HEIGHTS)
        if width is not None and height is not None:
            return int(height), int(width)
        size = self.find(SIZES)
        if isinstance(size, list | tuple) and len(size) == 2:
            return int(size[1]), int(size[0])
        inner = next((self.inner[key] for key in self.inner if _plain(key) in map(_plain, INNER)), None)
        return None if inner is None else inner.size_px()

    def depth_units_per_m(self) -> float | None:
        """Units of depth per metre, from a number or the name of a unit.

        Raises:
            ValueError: It is neither.
        """
        value = self.find(SCALES)
        for names in (("depth", "depth_camera"), INNER):
            if value is None and (inner := self.within(names)) is not None:
                value = inner.find((*SCALES, *INNER_SCALES))
        if value is None:
            return None
        if isinstance(value, str) and value.strip().lower().rstrip("s") in UNITS_PER_M:
            return UNITS_PER_M[value.strip().lower().rstrip("s")]
        number = float(value)
        if not (np.isfinite(number) and number > 0):
            raise ValueError(f"the scale of depth is {value!r}")
        return number if number >= 1 else 1 / number

    def rate_hz(self) -> float | None:
        """The frame rate."""
        value = self.find(RATES)
        if value is None and (inner := self.within(INNER)) is not None:
            value = inner.find(RATES)
        return float(Fraction(str(value))) if value else None  # 30000/1001 is a rate too

    def _matrix(self) -> Float[np.ndarray, "3 3"] | None:
        for name in MATRICES:
            spelled = next((key for key in self.content if _plain(key) == _plain(name)), None)
            value = None if spelled is None else self.content[spelled]
            if isinstance(value, dict) and "data" in value:  # OpenCV's and ROS' files
                value = value["data"]
            if spelled is None or not isinstance(value, list | tuple):
                continue
            self.used.add(spelled)
            return camera_matrix(np.asarray(value, np.float64))
        return None

    def _numbers(self) -> Float[np.ndarray, "3 3"] | None:
        values = [self.find(names) for names in (FOCAL_X, FOCAL_Y, CENTRE_X, CENTRE_Y)]
        if all(value is None for value in values):
            focal, centre = self.find(FOCAL_BOTH), self.find(CENTRE_BOTH)
            if focal is None or centre is None:
                return None
            values = [*np.broadcast_to(np.asarray(focal, np.float64), 2), *centre]
        for name, value in zip(("fx", "fy", "cx", "cy"), values, strict=True):
            if value is None:
                raise KeyError(name)
        return camera_matrix(np.array([float(value) for value in values]))


def camera_matrix(numbers: Float[np.ndarray, "..."]) -> Float[np.ndarray, "3 3"]:
    """A camera matrix from fx fy cx cy, nine numbers, 3 x 3, 3 x 4 or 4 x 4, by rows or by columns.

    Raises:
        ValueError: The numbers are no camera matrix.
    """
    sizes: dict[int, tuple[int, ...]] = {4: (4,), 9: (3, 3), 12: (3, 4), 16: (4, 4)}
    if numbers.size not in sizes:
        raise ValueError(f"a camera matrix of shape {numbers.shape}")
    numbers = numbers.reshape(sizes[numbers.size])
    if numbers.size == 4:
        fx, fy, cx, cy = numbers.tolist()
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)
    matrix = numbers[:3, :3].astype(np.float64)
    if matrix[0, 2] == 0 and matrix[1, 2] == 0 and (matrix[2, :2] != 0).any():
        matrix = matrix.T
    if not np.allclose(matrix[2], [0, 0, 1]):
        raise ValueError(f"the last row of the camera matrix is {matrix[2].tolist()}")
    return np.ascontiguousarray(matrix)


def _is_remark(key: str, keys: CameraKeys) -> bool:
    """Text for people, such as a camera's name or a comment."""
    return isinstance(keys.content[key], str) and bool(FOR_PEOPLE.search(key))


def listed(names: list[str]) -> str:
    """Keys for a message; of very many the first ones."""
    more = f" and {len(names) - MOST_KEYS} more" if len(names) > MOST_KEYS else ""
    return (", ".join(names[:MOST_KEYS]) or "(none)") + more


def _plain(key: str) -> str:
    return re.sub(r"[-_ .]", "", key).lower()
