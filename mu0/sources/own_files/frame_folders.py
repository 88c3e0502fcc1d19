"""Folders that are one clip: frames as images, with depth images beside them or without.

    frames   a.jpg b.jpg ... in natural order (im_2 before im_10), here or in color|colour|rgb|image(s)/
    RGB-D    the same plus depth|depth_raw/ with 16-bit PNGs in millimetres or .npy images in metres
    TUM      rgb.txt and depth.txt with lines `time file`; depth is 16-bit with 5000 per metre

Cameras and poses are read by `mu0.sources.own_files.camera_files`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from mu0.errors import SourceError
from mu0.files import in_natural_order, inside
from mu0.sources.own_files.camera_files import (
    MAX_TIME_GAP_S,
    CameraFile,
    frames_with_pose,
    read_camera_file,
    read_poses,
)
from mu0.sources.own_files.depth_registration import register_depth

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
DEPTH_SUFFIXES = frozenset({".png", ".npy"})
COLOUR_FOLDERS = ("color", "colour", "rgb", "image", "images")
DEPTH_FOLDERS = ("depth", "depth_raw")
MILLIMETRES = 1000.0
TUM_UNITS_PER_M = 5000.0


@dataclass(frozen=True)
class FrameFolder:
    """The images of one clip in order; `depth` is empty where the folder has none."""

    folder: Path
    colour: tuple[Path, ...]
    depth: tuple[Path, ...]
    times_s: tuple[float, ...]
    depth_units_per_m: float
    camera: CameraFile
    left_out: str = ""

    def frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """Yield the colour images.

        Raises:
            SourceError: One cannot be read, or has another size than the first one.
        """
        size: tuple[int, ...] | None = None
        for path in self.colour:
            image = _read_image(path, cv2.IMREAD_COLOR)
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
        """Time of each frame after the first one, from the folder's own times or an even rate."""
        if self.times_s:
            return np.asarray(self.times_s, np.float64) - self.times_s[0]
        return np.arange(len(self.colour)) / fps_hz

    def depth_m(self, size_px: tuple[int, int]) -> Iterator[Float32[np.ndarray, "h w"]]:
        """Yield depth [m] in the colour image's pixels, registered where the folder says how."""
        camera = self.camera
        for path in self.depth:
            depth_m = _read_depth(path, self.depth_units_per_m)
            if camera.has_own_depth_camera:
                assert camera.depth_intrinsics is not None
                assert camera.intrinsics is not None
                assert camera.colour_from_depth is not None
                depth_m = register_depth(
                    depth_m, camera.depth_intrinsics, camera.intrinsics, camera.colour_from_depth, size_px
                )
            yield depth_m

    def camera_from_world(self) -> Float[np.ndarray, "t 4 4"] | None:
        """Poses of the frames, None where the folder has none."""
        times_s = np.asarray(self.times_s, np.float64) if self.times_s else None
        return read_poses(self.folder, [path.stem for path in self.colour], times_s)

    def fps_hz(self, otherwise_hz: float) -> float:
        """The frame rate that the folder itself tells, or `otherwise_hz`."""
        if len(self.times_s) > 1:
            return round(float(1 / np.median(np.diff(self.times_s))), 2)
        return self.camera.fps_hz or otherwise_hz

    def note(self) -> str:
        """What was left out, and what a reader should know about the depth; empty where all is usual."""
        return "; ".join(part for part in (self.left_out, self._depth_note()) if part)

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


def read_frame_folder(folder: Path) -> FrameFolder | None:
    """Recognise a folder of frames, with or without depth; None where it is neither.

    Raises:
        SourceError: It is such a folder, but its parts do not fit together.
    """
    if (folder / "rgb.txt").is_file() and (folder / "depth.txt").is_file():
        return _read_tum(folder)
    colour_folder = next((folder / name for name in COLOUR_FOLDERS if (folder / name).is_dir()), folder)
    colour = images_in(colour_folder, IMAGE_SUFFIXES)
    if not colour:
        return None
    depth_folder = next((folder / name for name in DEPTH_FOLDERS if (folder / name).is_dir()), None)
    depth = images_in(depth_folder, DEPTH_SUFFIXES) if depth_folder and colour_folder != folder else ()
    if depth_folder and colour_folder != folder and len(depth) != len(colour):
        raise SourceError(
            f"{folder} holds {len(colour)} colour images in {colour_folder.name}/ and {len(depth)} depth "
            f"images in {depth_folder.name}/.",
            expected="one depth image (.png in millimetres, .npy in metres) per colour image",
            remedy="remove the images without a partner, or the depth folder.",
        )
    camera = read_camera_file(folder)
    if camera.has_own_depth_camera and camera.colour_from_depth is None:
        depth = ()  # the pixels of depth and colour do not match, and nothing says how they would: see note()
    return FrameFolder(folder, colour, depth, (), MILLIMETRES, camera)


def images_in(folder: Path, suffixes: frozenset[str]) -> tuple[Path, ...]:
    """The files with one of these endings in natural order: digits are compared as numbers."""
    paths = [p for p in folder.iterdir() if p.suffix.lower() in suffixes and not p.name.startswith(".")]
    return tuple(in_natural_order(paths))


def _read_tum(folder: Path) -> FrameFolder:
    colour, depth = (_read_list(folder, name) for name in ("rgb.txt", "depth.txt"))
    depth_times = np.array([time for time, _ in depth])
    pairs = []
    for time, path in colour:
        nearest = int(np.abs(depth_times - time).argmin())
        if abs(depth_times[nearest] - time) <= MAX_TIME_GAP_S:
            pairs.append((time, path, depth[nearest][1]))
    if not pairs:
        raise SourceError(
            f"{folder}: no image of rgb.txt lies within {MAX_TIME_GAP_S} s of one of depth.txt.",
            expected="two lists with the same clock",
            remedy="correct the times in rgb.txt and depth.txt.",
        )
    left_out = _counted(len(colour) - len(pairs), len(colour), "depth")
    has_pose = frames_with_pose(folder, np.array([time for time, _, _ in pairs]))
    if has_pose.any() and not has_pose.all():
        posed = [pair for pair, keep in zip(pairs, has_pose, strict=True) if keep]
        left_out = "; ".join(filter(None, (left_out, _counted(len(pairs) - len(posed), len(pairs), "pose"))))
        pairs = posed
    times_s, colours, depths = zip(*pairs, strict=True)
    camera = read_camera_file(folder)
    return FrameFolder(folder, colours, depths, times_s, TUM_UNITS_PER_M, camera, left_out)


def _counted(n_lost: int, n_all: int, what: str) -> str:
    return f"{n_lost} of {n_all} frames were left out: no {what} at their time" if n_lost else ""


def _read_list(folder: Path, name: str) -> list[tuple[float, Path]]:
    found = []
    for number, line in enumerate((folder / name).read_text(errors="replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            time, file = line.split(maxsplit=1)
            found.append((float(time), inside(folder, file.strip())))
        except ValueError:
            raise SourceError(
                f"{folder / name}, line {number}: {line!r}.",
                expected="`time file`",
                remedy="correct the line.",
            ) from None
        except SourceError as error:
            raise SourceError(
                f"{folder / name}, line {number}: {error.found}", expected=error.expected, remedy=error.remedy
            ) from error
    if not found:
        raise SourceError(
            f"{folder / name} lists no files.", expected="lines `time file`", remedy="complete the list."
        )
    return found


def _another_size(path: Path, found: tuple[int, ...], first: Path, size: tuple[int, ...]) -> SourceError:
    return SourceError(
        f"{path} has {found[0]} x {found[1]} pixels, but {first.name} has {size[0]} x {size[1]} "
        "(height x width).",
        expected="images of one size in a folder",
        remedy="split the folder into one per size, or resize the images.",
    )


def _read_image(path: Path, flags: int) -> np.ndarray:
    content = np.frombuffer(path.read_bytes(), np.uint8) if path.is_file() else None
    image = None if content is None or content.size == 0 else cv2.imdecode(content, flags)
    if image is None:
        raise SourceError(
            f"{path} {'is missing' if content is None else 'is not a readable image'}.",
            expected="a complete image file",
            remedy="replace the file, or remove it together with its depth image.",
        )
    return image


def _read_depth(path: Path, units_per_m: float) -> Float32[np.ndarray, "h w"]:
    if path.suffix == ".npy":
        try:
            depth = np.load(path, allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise SourceError(
                f"{path} cannot be read: {error}.", expected="depth in metres", remedy="replace the file."
            ) from error
        units_per_m = 1.0
    else:
        depth = _read_image(path, cv2.IMREAD_UNCHANGED)
    if depth.ndim != 2 or depth.dtype == np.uint8:
        raise SourceError(
            f"{path} holds {depth.dtype} images of shape {depth.shape}.",
            expected="one channel of 16 bits (millimetres), or a .npy of metres",
            remedy="export depth as 16-bit PNG.",
        )
    return (depth / units_per_m).astype(np.float32)
