"""Depth in LeRobotDatasets: which feature belongs to a camera, and what its numbers mean.

    quantised video   gray12le (HEVC), 12 bits, logarithmic: with p(d) = log(d + shift), the code is
                      round(4095 (p(d) - p(min)) / (p(max) - p(min))), or the same without the logarithm;
                      `video.depth_min`, `depth_max`, `shift` [m] and `use_log` stand in the feature's info
    plain video       gray16le (FFV1), so many units per metre
    images            16-bit PNG columns, so many units per metre

Code 0 is "nothing measured or too near", the last code "too far": both are missing here. Depth videos of
8 bits are pictures of depth, not depth: they cannot be turned into metres and are left out. A step of the
usual logarithmic code is 1.2 mm at the nearest, 1.5 mm at 1 m and 4.4 mm at 10 m.

Source
    Depth recording of Hugging Face LeRobot 0.6 (Apache-2.0).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt16

LAST_CODE = 4095
QUANTISED, PLAIN = "gray12le", "gray16le"


@dataclass(frozen=True)
class DepthCoding:
    """The quantisation of a 12-bit depth video."""

    min_m: float
    max_m: float
    shift_m: float
    use_log: bool

    def metres(self, codes: UInt16[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
        """Depth [m], 0 = missing."""
        share = codes.astype(np.float64) / LAST_CODE
        if self.use_log:
            low, high = np.log(self.min_m + self.shift_m), np.log(self.max_m + self.shift_m)
            depth_m = np.exp(low + share * (high - low)) - self.shift_m
        else:
            depth_m = self.min_m + share * (self.max_m - self.min_m)
        return np.where((codes == 0) | (codes >= LAST_CODE), 0, depth_m).astype(np.float32)

    def codes(self, depth_m: Float32[np.ndarray, "h w"]) -> UInt16[np.ndarray, "h w"]:
        """The code of each depth [m]; of what is missing, and of what is nearer than the nearest, 0."""
        shift_m = self.shift_m if self.use_log else 0.0
        depth, low, high = (
            np.asarray(each, np.float64) + shift_m for each in (depth_m, self.min_m, self.max_m)
        )
        if self.use_log:
            depth, low, high = np.log(depth), np.log(low), np.log(high)
        codes = np.rint(LAST_CODE * (depth - low) / (high - low)).clip(0, LAST_CODE)
        return np.where(depth_m > 0, codes, 0).astype(np.uint16)

    def info(self) -> dict[str, Any]:
        """What a feature's info tells of it."""
        return {
            "is_depth_map": True,
            "depth_unit": "mm",  # of the statistics
            "video.depth_min": self.min_m,
            "video.depth_max": self.max_m,
            "video.shift": self.shift_m,
            "video.use_log": self.use_log,
        }


USUAL_CODING = DepthCoding(min_m=0.01, max_m=10.0, shift_m=3.5, use_log=True)  # LeRobot's own numbers


def coding_of(feature: dict[str, Any]) -> DepthCoding | None:
    """The quantisation that a feature's info tells; None where it tells none or an impossible one."""
    info = info_of(feature)
    try:
        low, high, shift = (float(info[f"video.{name}"]) for name in ("depth_min", "depth_max", "shift"))
        use_log = bool(info["video.use_log"])
    except (KeyError, TypeError, ValueError):
        return None
    is_possible = bool(np.isfinite([low, high, shift]).all()) and 0 <= low < high
    if not is_possible or (use_log and low + shift <= 0):
        return None
    return DepthCoding(low, high, shift, use_log)


def info_of(feature: dict[str, Any]) -> dict[str, Any]:
    """What a feature tells about its video; `video_info` is the older spelling."""
    return {**(feature.get("video_info") or {}), **(feature.get("info") or {})}


def is_depth(key: str, feature: dict[str, Any]) -> bool:
    """Whether a camera feature holds depth: by its info, else by its name."""
    info = info_of(feature)
    if any(info.get(name) for name in ("is_depth_map", "video.is_depth_map")):
        return True
    return "depth" in key.lower()


def depth_key_of(camera: str, cameras: dict[str, dict[str, Any]]) -> str | None:
    """The depth feature whose name is the camera's name plus `depth`, such as `...top_depth` for `...top`."""
    depths = [key for key, feature in cameras.items() if is_depth(key, feature)]
    return next((key for key in depths if _stem(key) == _stem(camera)), None)


def _stem(key: str) -> str:
    """The camera's own name: without `observation`, `images` and `depth`, in whatever order they stand."""
    words = key.lower().replace(".", "_").replace("-", "_").split("_")
    return "_".join(word for word in words if word not in {"observation", "images", "image", "depth", "rgb"})


def scaled(
    images: Iterator[UInt16[np.ndarray, "h w"]], units_per_m: float
) -> Iterator[Float32[np.ndarray, "h w"]]:
    """Depth images [m] from whole units."""
    for image in images:
        yield image.astype(np.float32) / np.float32(units_per_m)
