"""Pixels as a person sees them: square, in one size, turned and mirrored as the file says.

Phones store the picture as the sensor lies and add a display matrix; cameras with non-square pixels add a
sample aspect ratio. Both are applied here, so that geometry never sees a stretched or lying picture. Nothing
is cropped, whatever the shape of the picture.

Conventions
    display matrix   (x', y') = (a x + c y, b x + d y) from stored to shown pixels, x right and y down; of the
                     eight turns and mirrors the nearest one is taken
    sample aspect    width of a pixel over its height; the short side is enlarged, so no detail is lost
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import final

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import Shaped, UInt8

from mu0.errors import SourceError

DISPLAY_MATRIX = "DISPLAYMATRIX"
MAX_ASPECT = 16


@dataclass(frozen=True)
class Pose:
    """How stored pixels become shown ones: mirrored along x and y after an exchange of both."""

    swaps: bool
    mirrors_x: bool
    mirrors_y: bool

    @property
    def rotation_deg(self) -> int:
        """The counter-clockwise turn of it, leaving a mirror aside."""
        if self.swaps:
            return 90 if self.mirrors_y else 270
        return 180 if self.mirrors_y else 0


def pose_of(frame: av.VideoFrame) -> Pose:
    """What the frame's display matrix asks for."""
    for data in frame.side_data:
        if data.type.name == DISPLAY_MATRIX:
            a, b, _, c, d, *_ = np.frombuffer(bytes(data), "<i4").tolist()
            if abs(b) + abs(c) > abs(a) + abs(d):
                return Pose(swaps=True, mirrors_x=c < 0, mirrors_y=b < 0)
            return Pose(swaps=False, mirrors_x=a < 0, mirrors_y=d < 0)
    return Pose(swaps=False, mirrors_x=False, mirrors_y=False)


def turn(image: Shaped[np.ndarray, "h w *c"], pose: Pose) -> Shaped[np.ndarray, "h2 w2 *c"]:
    """The image turned and mirrored, as a view."""
    if pose.swaps:
        image = image.swapaxes(0, 1)
    return image[:: -1 if pose.mirrors_y else 1, :: -1 if pose.mirrors_x else 1]


def square_size_px(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """(height, width) of the stored frame with square pixels, before it is turned."""
    if not aspect or not 1 / MAX_ASPECT <= aspect <= MAX_ASPECT:
        return frame.height, frame.width
    if aspect > 1:
        return frame.height, round(frame.width * aspect)
    return round(frame.height / aspect), frame.width


def upright_size_px(frame: av.VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """(height, width) of the frame as it is shown."""
    height_px, width_px = square_size_px(frame, aspect)
    return (width_px, height_px) if pose_of(frame).swaps else (height_px, width_px)


@final
class Uprighter:
    """Makes frames of one video upright RGB images of one size.

    One converter serves all frames: a new one for each takes three times as long as decoding.
    """

    def __init__(self, path: Path, aspect: Fraction | None) -> None:
        self._path, self._aspect = path, aspect
        self._colours = VideoReformatter()
        self._pose = Pose(swaps=False, mirrors_x=False, mirrors_y=False)
        self._size_px: tuple[int, int] | None = None

    def __call__(self, frame: av.VideoFrame) -> UInt8[np.ndarray, "h w 3"]:
        """The upright RGB image; raises as `require_size`."""
        self.require_size(frame)
        height_px, width_px = square_size_px(frame, self._aspect)
        rgb = self._colours.reformat(frame, width=width_px, height=height_px, format="rgb24").to_ndarray()
        return np.ascontiguousarray(turn(rgb, self._pose))

    def require_size(self, frame: av.VideoFrame) -> None:
        """Check that all frames have the size of the first one.

        Raises:
            SourceError: This one has another size.
        """
        size_px = (frame.height, frame.width)
        if self._size_px is None:
            self._size_px, self._pose = size_px, pose_of(frame)
        if size_px != self._size_px:
            raise SourceError(
                f"{self._path}: the picture changes from {self._size_px[0]} x {self._size_px[1]} to "
                f"{size_px[0]} x {size_px[1]} pixels (height x width).",
                expected="one size in the whole video",
                remedy="cut the video where the size changes.",
            )
