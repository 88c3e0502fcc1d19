"""Depth images on disk, and how many of their units make a metre.

The unit is, in this order: the source's option `depth_units_per_m`; what the camera file says; the layout's
usual one: whole numbers are millimetres (TUM: 5000 per metre), floating-point numbers are metres. An assumed
unit is checked: if the median depth is not that of a room, the folder is refused instead of being wrong by a
factor that nobody sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, Shaped

from mu0.errors import SourceError
from mu0.sources.clip.plausible import FARTHEST_MEDIAN_M, NEAREST_MEDIAN_M
from mu0.sources.faults import unreadable_file
from mu0.sources.own_files.images import read_image

MILLIMETRES = 1000.0
MISSING_CODE = np.uint16(65535)  # 7-Scenes and others write it where nothing was measured
N_PROBED = 5


@dataclass(frozen=True)
class DepthUnit:
    """Units per metre, and who says so: "params", "data", or "" where it is assumed."""

    of_whole_numbers: float = MILLIMETRES
    of_floats: float = 1.0
    origin: str = ""

    def in_metres(self, depth: Shaped[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
        """Depth [m] of an image as it is stored."""
        if depth.dtype.kind == "f":
            return (depth / self.of_floats).astype(np.float32)
        measured = np.where(depth == MISSING_CODE, 0, depth) if depth.dtype == np.uint16 else depth
        return (measured / self.of_whole_numbers).astype(np.float32)


def depth_unit(option: float | None, told: float | None, usual: float = MILLIMETRES) -> DepthUnit:
    """The unit by the source's option, by the camera file, or as usual in this layout."""
    if option is not None:
        return DepthUnit(option, option, "params")
    return DepthUnit(usual) if told is None else DepthUnit(told, 1.0, "data")


def read_depth(path: Path, unit: DepthUnit) -> Float32[np.ndarray, "h w"]:
    """One depth image [m], 0 = missing.

    Raises:
        SourceError: The file is damaged or holds no depth.
    """
    return unit.in_metres(_stored(path))


def require_sensible_depth(paths: Sequence[Path], unit: DepthUnit) -> None:
    """Look at a few images; an assumed unit must give the depth of a room.

    Raises:
        SourceError: The median is not within .1 to 20 m, or an image is damaged.
    """
    if unit.origin or not paths:
        return
    picked = sorted({round(index) for index in np.linspace(0, len(paths) - 1, N_PROBED)})
    stored = [_stored(paths[index]) for index in picked]
    medians_m = [m for depth in stored if (m := median_m(unit.in_metres(depth))) is not None]
    if not medians_m or NEAREST_MEDIAN_M <= (found_m := float(np.median(medians_m))) <= FARTHEST_MEDIAN_M:
        return
    units = unit.of_floats if stored[0].dtype.kind == "f" else unit.of_whole_numbers
    raise SourceError(
        f"{paths[0].parent}: the median depth is {found_m * units:g} units, which would be {found_m:g} m at "
        f"the usual {units:g} units per metre.",
        expected=f"a median of {NEAREST_MEDIAN_M:g} to {FARTHEST_MEDIAN_M:g} m",
        remedy="say how many units make a metre: `depth_scale` in camera.json, or `depth_units_per_m` of the "
        "source in params.yaml (1000 for millimetres).",
    )


def median_m(depth_m: Float[np.ndarray, "h w"]) -> float | None:
    """The median of what was measured; None if nothing was."""
    measured = depth_m[np.isfinite(depth_m) & (depth_m > 0)]
    return float(np.median(measured)) if measured.size else None


def _stored(path: Path) -> Shaped[np.ndarray, "h w"]:
    depth = _array(path) if path.suffix.lower() == ".npy" else read_image(path, cv2.IMREAD_UNCHANGED)
    if depth.ndim == 3 and depth.shape[2] == 1:
        depth = depth[..., 0]
    if depth.ndim != 2 or depth.dtype == np.uint8 or depth.dtype.kind not in "uif":
        raise SourceError(
            f"{path} holds {depth.dtype} images of shape {depth.shape}.",
            expected="one channel of 16 bits (millimetres), or a .npy of metres",
            remedy="export depth as 16-bit PNG.",
        )
    return depth


def _array(path: Path) -> np.ndarray:
    try:
        depth: np.ndarray = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise unreadable_file(path, error, "depth in metres", "replace the file.") from error
    return depth
