"""The images of one clip in a folder, and how they are read."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from mu0.errors import SourceError
from mu0.sources.own_files.beside import not_used
from mu0.sources.own_files.camera_files import CameraFile, read_camera_file
from mu0.sources.own_files.depth_images import DepthUnit, depth_unit, read_depth, require_sensible_depth
from mu0.sources.own_files.depth_registration import register_depth
from mu0.sources.own_files.folder_parts import instruction_files
from mu0.sources.own_files.images import read_image
from mu0.sources.own_files.pose_files import have_times, read_poses


@dataclass(frozen=True)
class FrameFolder:
    """The images of one clip in order; `depth` is empty where the folder has none.

    Attributes:
        folder: The clip's folder.
        colour: The frames.
        depth: Their depth images.
        times_s: Their times, if the folder tells them.
        all_colour: The frames before those without depth were left out: poses may count these.
        unit_per_s: How many units of the lists' times are a second.
        usual_units_per_m: Of depth in whole numbers, if nothing else tells it.
        camera: What the camera file says.
        poses: The files of poses.
        notes: What was left out.
        used: Files that were read besides these.
    """

    folder: Path
    colour: tuple[Path, ...]
    depth: tuple[Path, ...]
    times_s: tuple[float, ...]
    camera: CameraFile
    all_colour: tuple[Path, ...]
    unit_per_s: float = 1.0
    usual_units_per_m: float = 1000.0
    poses: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    used: tuple[Path, ...] = field(default=(), repr=False)

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """Yield the colour images.

        Raises:
            SourceError: One cannot be read, or has another size than the first one.
        """
        size: tuple[int, ...] | None = None
        for path in self.colour:
            image = read_image(path)
            size = size or image.shape
            if image.shape != size:
                raise _another_size(path, image.shape, self.colour[0], size)
            yield np.ascontiguousarray(image[..., ::-1])

    def take(self, picked: Int[np.ndarray, " picked"]) -> "FrameFolder":
        """The folder with these frames only; poses are asked of the whole folder."""
        return replace(
            self,
            colour=tuple(self.colour[index] for index in picked),
            depth=tuple(self.depth[index] for index in picked) if self.depth else (),
            times_s=tuple(self.times_s[index] for index in picked) if self.times_s else (),
        )

    def seconds(self, fps_hz: float) -> Float[np.ndarray, " t"]:
        """Time of each frame after the first one [s]; `fps_hz` counts where no list of times exists."""
        if self.times_s:
            return np.asarray(self.times_s, np.float64) - self.times_s[0]
        return np.arange(len(self.colour)) / fps_hz

    def depth_unit(self, option: float | None) -> DepthUnit:
        """The unit of the depth images; `option`: units per metre by the source's section.

        Raises:
            SourceError: It is assumed, and the depth is not that of a room.
        """
        unit = depth_unit(option, self.camera.depth_units_per_m, self.usual_units_per_m)
        require_sensible_depth(self.depth, unit)
        return unit

    def depth_m(self, size_px: tuple[int, int], unit: DepthUnit) -> Iterator[Float32[np.ndarray, "h w"]]:
        """Yield depth [m] in the colour image's pixels, registered where the folder says how."""
        camera = self.camera
        for path in self.depth:
            depth_m = read_depth(path, unit)
            if camera.has_own_depth_camera:
                assert camera.depth_intrinsics is not None
                assert camera.intrinsics is not None
                assert camera.colour_from_depth is not None
                depth_m = register_depth(
                    depth_m, camera.depth_intrinsics, camera.intrinsics, camera.colour_from_depth, size_px
                )
            yield depth_m

    def camera_from_world(self) -> tuple[Float[np.ndarray, "t 4 4"] | None, str]:
        """Poses of the frames, None where the folder has none; and what to tell about them."""
        if self.times_s and have_times(self.poses):
            return read_poses(self.poses, self.colour, np.asarray(self.times_s), self.unit_per_s)
        poses, note = read_poses(self.poses, self.all_colour, None)
        if poses is not None and len(poses) == len(self.all_colour):
            place = {path: index for index, path in enumerate(self.all_colour)}
            poses = poses[[place[path] for path in self.colour]]
        return poses, note

    def fps_hz(self, otherwise_hz: float) -> float:
        """The frame rate that the folder itself tells, or `otherwise_hz`."""
        if len(self.times_s) > 1:
            return round(float(1 / np.median(np.diff(self.times_s))), 2)
        return self.camera.fps_hz or otherwise_hz

    def rate_note(self, fps_hz: float) -> str:
        """What to tell about a rate that nothing in the folder tells."""
        is_told = len(self.times_s) > 1 or bool(self.camera.fps_hz)
        return "" if is_told else f"nothing tells the rate: {fps_hz:g} Hz was assumed"

    def note(self) -> str:
        """What was left out or not used, and what to know about depth; empty where all is usual."""
        camera_path = (self.camera.path,) if self.camera.path else ()
        used = (
            self.folder / "depth_scale.txt",
            *self.colour,
            *self.depth,
            *self.all_colour,
            *self.poses,
            *self.used,
            *camera_path,
        )
        beside = not_used(self.folder, (*used, *instruction_files(self.folder)))
        parts = (*self.notes, self._depth_note(), self.camera.note, beside)
        return "; ".join(part for part in parts if part)

    def _depth_note(self) -> str:
        camera = self.camera
        if camera.has_own_depth_camera and camera.colour_from_depth is None:
            return (
                "depth was left out: its camera is not the colour camera, and the camera file has neither "
                "colour_from_depth (4 x 4) nor depth_to_color_translation_m to register it"
            )
        if camera.has_own_depth_camera and camera.is_estimated:
            return "depth was registered to colour with estimated, not calibrated, camera positions"
        return ""


def sized_camera(folder: Path, frame: Path) -> CameraFile:
    """The camera of the folder for pictures of this frame's size.

    Raises:
        SourceError: The camera file is damaged, or was measured on pictures of another shape.
    """
    camera = read_camera_file(folder)
    if camera.size_px is None:
        return camera
    height, width = read_image(frame).shape[:2]
    if (height > width) != (camera.size_px[0] > camera.size_px[1]):  # it may have been measured before EXIF
        height, width = read_image(frame, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION).shape[:2]
    return replace(camera, intrinsics=camera.intrinsics_for((height, width)))


def _another_size(path: Path, found: tuple[int, ...], first: Path, size: tuple[int, ...]) -> SourceError:
    return SourceError(
        f"{path} has {found[0]} x {found[1]} pixels, but {first.name} has {size[0]} x {size[1]} "
        "(height x width).",
        expected="images of one size in a folder",
        remedy="split the folder into one per size, or resize the images.",
    )
