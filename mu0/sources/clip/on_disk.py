"""The clip: one video on disk in the form in which every later stage reads it.

    clip.json    what is known about it (`ClipInfo`)
    video.mp4    the frames; the name in `clip.json` says which file, so a user's own file stays as it is
    depth.mkv    FFV1 gray16le, millimetres, 0 = missing                                    (optional)
    cameras.npz  intrinsics (3, 3) [px]; camera_from_world (T, 4, 4) where poses are known  (optional)
    wrist.mp4    the 64 x 64 wrist camera                                                   (robots only)
    robot.npz    state (T, 9), action (T, 5); 10 and 6 where the hand tilts                 (robots only)
    times.npz    number and time [s] of every frame in the recording that it was taken from (optional)

Conventions
    cameras  OpenCV: x right, y down, z forward; integer pixel coordinates are pixel centres
    depth    metres in memory, 0 = missing; measured along z, in the image's own pixels
    robot    state: commanded TCP x, y, z [m], commanded yaw [rad], commanded gripper (0 open, 1 closed),
             measured gripper opening (0..1), measured TCP x, y, z [m]. action: commanded TCP x, y, z [m] and
             yaw [rad] (absolute, base frame) reached at the end of this step, gripper 0/1. A hand that tilts
             has its commanded tilt [rad] behind each commanded yaw
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from mu0.errors import SourceError
from mu0.files import atomic_folder, inside, sha256_of, write_json
from mu0.sources.clip.checks import (
    check_cameras,
    check_files,
    check_robot,
    depth_in_mm,
    load_arrays,
    require_array,
    write_arrays,
)
from mu0.sources.clip.info import ClipInfo, read_info
from mu0.sources.clip.plausible import noting_median, with_oddities
from mu0.sources.containers.encoding import write_depth_video, write_lossless_video, write_video
from mu0.sources.containers.video import iter_depth_mm, iter_frames

__all__ = ["Clip", "ClipInfo", "FrameTimes", "RobotLog", "list_clips", "read_clip", "write_clip"]


@dataclass(frozen=True)
class RobotLog:
    """What the robot was told and did; rows are frames."""

    state: Float32[np.ndarray, "t state"]
    action: Float32[np.ndarray, "t action"]


@dataclass(frozen=True)
class FrameTimes:
    """Where each frame was in the recording: its number there, and its time after the recording's start."""

    source_frame: Int[np.ndarray, " t"]
    time_s: Float[np.ndarray, " t"]


@dataclass(frozen=True)
class Clip:
    """A clip folder whose parts are decoded when asked for."""

    folder: Path
    info: ClipInfo

    def iter_frames(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """Yield upright RGB frames, one per 1 / fps_hz.

        Raises:
            SourceError: The video is damaged or does not hold `n_frames` frames.
        """
        path = inside(self.folder, self.info.video)
        n_found = 0
        for frame in iter_frames(path, self.info.fps_hz):
            n_found += 1
            if n_found <= self.info.n_frames:
                yield frame
        self._require_all(n_found, path)

    def frames(self) -> UInt8[np.ndarray, "t h w 3"]:
        """All frames at once; raises as `iter_frames`."""
        return np.stack(list(self.iter_frames()))

    def iter_depth_m(self) -> Iterator[Float32[np.ndarray, "h w"]]:
        """Yield depth images [m], 0 = missing; none where the clip has no depth. Raises as `iter_frames`."""
        if not self.info.has_depth:
            return
        path = self.folder / "depth.mkv"
        n_found = 0
        for depth_mm in iter_depth_mm(path):
            n_found += 1
            yield depth_mm.astype(np.float32) / np.float32(1000)
        self._require_all(n_found, path)

    def depth_m(self) -> Float32[np.ndarray, "t h w"] | None:
        """All depth images [m], 0 = missing; None where the clip has none."""
        return np.stack(list(self.iter_depth_m())) if self.info.has_depth else None

    def intrinsics(self) -> Float[np.ndarray, "3 3"] | None:
        """The camera matrix [px], None where unknown."""
        return load_arrays(self.folder / "cameras.npz")["intrinsics"] if self.info.has_intrinsics else None

    def camera_from_world(self) -> Float[np.ndarray, "t 4 4"] | None:
        """The camera poses, None where unknown."""
        return load_arrays(self.folder / "cameras.npz")["camera_from_world"] if self.info.has_poses else None

    def robot(self) -> RobotLog | None:
        """States and actions, None where no robot is in the clip."""
        if not self.info.has_robot:
            return None
        arrays = load_arrays(self.folder / "robot.npz")
        return RobotLog(arrays["state"], arrays["action"])

    def times(self) -> FrameTimes | None:
        """Numbers and times of the frames in the recording, None where unknown."""
        if not self.info.has_times:
            return None
        arrays = load_arrays(self.folder / "times.npz")
        return FrameTimes(arrays["source_frame"], arrays["time_s"])

    def wrist_frames(self) -> UInt8[np.ndarray, "t h w 3"] | None:
        """Frames of the wrist camera, None where there is none."""
        path = self.folder / "wrist.mp4"
        return np.stack(list(iter_frames(path, self.info.fps_hz))) if path.exists() else None

    def _require_all(self, n_found: int, path: Path) -> None:
        if n_found != self.info.n_frames:
            raise SourceError(
                f"{path}: found {n_found} of {self.info.n_frames} frames.",
                expected=f"{self.info.n_frames} frames, as {self.folder / 'clip.json'} says",
                remedy="delete this clip's folder and run `mu0 run` again.",
            )


def read_clip(folder: Path) -> Clip:
    """Open a clip folder and check that its parts exist and fit together; the video is not decoded.

    Raises:
        SourceError: clip.json is missing or wrong, a part is missing, or sizes or lengths disagree.
    """
    info = read_info(folder)
    check_files(folder, info)
    return Clip(folder, info)


def write_clip(  # noqa: PLR0913 - the optional parts of a clip
    folder: Path,
    info: ClipInfo,
    frames: Iterable[UInt8[np.ndarray, "h w 3"]] | Path,
    *,
    depth_m: Iterable[Float[np.ndarray, "depth_h depth_w"]] | None = None,
    intrinsics: Float[np.ndarray, "3 3"] | None = None,
    camera_from_world: Float[np.ndarray, "poses 4 4"] | None = None,
    wrist_frames: UInt8[np.ndarray, "wrist_t wrist_h wrist_w 3"] | None = None,
    robot: RobotLog | None = None,
    times: FrameTimes | None = None,
) -> Clip:
    """Write a clip folder in one step; the folder appears complete or not at all.

    Args:
        folder: Where the clip will lie, `<root>/<source>/<clip_id>`.
        info: What is known; numbers, sizes, `has_*` and `video_sha256` are set here from the content.
        frames: RGB frames, encoded into `info.video` (.mp4: H.264, .mkv: FFV1 without loss), or the path
            of a video that is copied unchanged, with `n_frames` and sizes taken from `info`.
        depth_m: One image [m] per frame, 0 = missing; stored in whole millimetres.
        intrinsics: Camera matrix [px].
        camera_from_world: One pose per frame; needs `intrinsics`.
        wrist_frames: Frames of the wrist camera.
        robot: States and actions, one row per frame.
        times: Where each frame was in the recording.

    Raises:
        SourceError: There are no frames, or a part has the wrong size or length or holds NaN.
    """
    with atomic_folder(folder) as new:
        video = inside(new, info.video)
        if isinstance(frames, Path):
            shutil.copyfile(frames, video)
            info = replace(info, video_sha256=sha256_of(video))
        else:
            info = _encode_frames(video, info, frames)
        info = replace(
            info,
            has_depth=depth_m is not None,
            has_intrinsics=intrinsics is not None,
            has_poses=camera_from_world is not None,
            has_robot=robot is not None,
            has_times=times is not None,
            intrinsics_source=_origin(info, intrinsics),
        )
        if depth_m is not None:
            info = replace(info, median_depth_m=_encode_depth(new / "depth.mkv", info, depth_m))
        if intrinsics is not None or camera_from_world is not None:
            _write_cameras(folder / "cameras.npz", new / "cameras.npz", info, intrinsics, camera_from_world)
        if robot is not None:
            check_robot(folder / "robot.npz", info.n_frames, robot.state, robot.action)
            write_arrays(new / "robot.npz", state=robot.state, action=robot.action)
        if times is not None:
            _write_times(folder / "times.npz", new / "times.npz", info, times)
        if wrist_frames is not None:
            _write_wrist(folder / "wrist.mp4", new / "wrist.mp4", info, wrist_frames)
        info = replace(info, note=with_oddities(info, intrinsics, camera_from_world))
        write_json(new / "clip.json", asdict(info))
    return Clip(folder, info)


def _encode_frames(video: Path, info: ClipInfo, frames: Iterable[UInt8[np.ndarray, "h w 3"]]) -> ClipInfo:
    encode = write_lossless_video if video.suffix == ".mkv" else write_video
    sizes: list[tuple[int, ...]] = []
    n_frames = encode(video, _noting_size(frames, sizes), info.fps_hz)
    return replace(
        info,
        n_frames=n_frames,
        height_px=sizes[0][0],
        width_px=sizes[0][1],
        video_sha256=sha256_of(video),
    )


def _noting_size(
    frames: Iterable[UInt8[np.ndarray, "h w 3"]], sizes: list[tuple[int, ...]]
) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    for frame in frames:
        if not sizes:
            sizes.append(frame.shape)
        yield frame


def _encode_depth(path: Path, info: ClipInfo, depth_m: Iterable[Float[np.ndarray, "h w"]]) -> float:
    """Write the depth video and return the median depth [m], 0 if nothing was measured."""
    size = (info.height_px, info.width_px)
    medians_mm: list[float] = []
    images = (depth_in_mm(info.clip_id, index, image, size) for index, image in enumerate(depth_m))
    n_images = write_depth_video(path, noting_median(images, medians_mm), info.fps_hz)
    if n_images != info.n_frames:
        raise SourceError(
            f"{info.clip_id}: found {n_images} depth images for {info.n_frames} frames.",
            expected="one depth image per frame",
            remedy="complete the depth images, or remove the frames without depth.",
        )
    return float(np.median(medians_mm)) / 1000 if medians_mm else 0.0


def _write_cameras(
    name: Path,
    path: Path,
    info: ClipInfo,
    intrinsics: Float[np.ndarray, "3 3"] | None,
    camera_from_world: Float[np.ndarray, "t 4 4"] | None,
) -> None:
    check_cameras(name, info.n_frames, intrinsics, camera_from_world, needs_poses=info.has_poses)
    arrays = {"intrinsics": intrinsics, "camera_from_world": camera_from_world}
    write_arrays(
        path, **{key: np.asarray(array, np.float64) for key, array in arrays.items() if array is not None}
    )


def _origin(info: ClipInfo, intrinsics: Float[np.ndarray, "3 3"] | None) -> str:
    if intrinsics is None:
        return "none"
    return "data" if info.intrinsics_source == "none" else info.intrinsics_source


def _write_wrist(
    name: Path, path: Path, info: ClipInfo, frames: UInt8[np.ndarray, "wrist_t wrist_h wrist_w 3"]
) -> None:
    require_array(name, "frames", frames, (info.n_frames, *frames.shape[1:]))
    write_video(path, frames, info.fps_hz)


def _write_times(name: Path, path: Path, info: ClipInfo, times: FrameTimes) -> None:
    require_array(name, "source_frame", times.source_frame, (info.n_frames,))
    require_array(name, "time_s", times.time_s, (info.n_frames,))
    write_arrays(
        path,
        source_frame=times.source_frame.astype(np.int64),
        time_s=times.time_s.astype(np.float64),
    )


def list_clips(root: Path) -> list[Path]:
    """The clip folders `<source>/<clip_id>` below data/raw_videos, sorted."""
    return sorted(path.parent for path in root.glob("*/*/clip.json"))
