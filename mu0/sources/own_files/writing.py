"""Writing the clip of one item: a video file with what lies beside it, or a folder of frames."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from mu0.errors import SourceError
from mu0.params.raw_videos import FolderSource
from mu0.sources.calibration import Calibration, read_calibration
from mu0.sources.clip.on_disk import Clip, ClipInfo, FrameTimes, write_clip
from mu0.sources.containers.timing import grid_indices
from mu0.sources.containers.video import (
    GREY_FORMATS,
    first_time_s,
    iter_grey,
    pixel_format,
    probe_video,
    scan_video,
)
from mu0.sources.dataset_clip import MIN_FRAMES, RecordedCamera, clip_camera, with_camera
from mu0.sources.own_files.companions import companions_of
from mu0.sources.own_files.depth_images import DepthUnit, depth_unit
from mu0.sources.own_files.framed_clip import FrameFolder
from mu0.sources.own_files.turned_frames import turning_of


def camera_beside(path: Path) -> Path | None:
    """The camera of a video file: a calibration file of its name, `clip.json` beside `clip.mp4`."""
    camera = path.with_suffix(".json")
    return camera if path.is_file() and camera.is_file() else None


def write_video_item(path: Path, folder: Path, info: ClipInfo, options: FolderSource) -> Clip:
    """Keep a video as it is; every frame is decoded once, so that faults show here and not later.

    Raises:
        SourceError: It, its depth or its camera is damaged or of no use.
    """
    header = probe_video(path)
    rate_hz = options.resample_hz or header.fps_hz
    scan = scan_video(path, rate_hz)
    n_frames = len(scan.time_s)
    if n_frames < MIN_FRAMES:
        raise _one_frame(path, "the file, or record a longer video")
    size_px = (header.height_px, header.width_px)
    _require_pictures(path)
    beside, others = camera_beside(path), companions_of(path)
    own = read_calibration(beside) if beside else Calibration()
    intrinsics = own.intrinsics_for(size_px, str(beside))
    recorded = RecordedCamera(
        intrinsics=others.camera.intrinsics_for(size_px) if intrinsics is None else intrinsics,
        camera_from_world=own.fixed_poses(n_frames),
        hand_eye_source="none" if own.camera_from_base is None else "data",
    )
    camera = clip_camera(options, size_px, recorded, np.arange(n_frames))
    told = others.camera.depth_units_per_m or own.depth_units_per_m
    unit = depth_unit(getattr(options, "depth_units_per_m", None), told)
    depth_fault = "" if others.depth is None else _depth_fault(others.depth, path, n_frames, rate_hz)
    note = joined(info.note, scan.note(), own.note, others.camera.note, depth_fault, others.note)
    info = replace(
        with_camera(replace(info, note=note), camera),
        fps_hz=rate_hz,
        n_frames=n_frames,
        width_px=header.width_px,
        height_px=header.height_px,
        video=f"video{path.suffix.lower()}",
    )
    return write_clip(
        folder,
        info,
        path,
        depth_m=None if others.depth is None or depth_fault else _depth_in(others.depth, rate_hz, unit),
        intrinsics=camera.intrinsics,
        camera_from_world=camera.camera_from_world,
        times=FrameTimes(scan.source_frame, scan.time_s),
    )


def _require_pictures(path: Path) -> None:
    if (pixels := pixel_format(path)) in GREY_FORMATS:
        raise SourceError(
            f"{path} is a depth video ({pixels}) without a colour video of its name beside it.",
            expected="a video in colour; depth is used where it is named like one, as take_depth beside take",
            remedy="put the colour video beside it, or remove the file.",
        )


def _depth_fault(depth: Path, video: Path, n_frames: int, rate_hz: float) -> str:
    """Why the images of a depth video cannot be laid over the frames one by one; empty if they can."""
    n_images = sum(1 for _ in iter_grey(depth, rate_hz))
    later_s = first_time_s(depth) - first_time_s(video)
    if n_images != n_frames:
        return f"{depth.name} was not used: it holds {n_images} images for {n_frames} frames"
    if abs(later_s) * rate_hz > 0.5:
        return f"{depth.name} was not used: it begins {later_s:+.3f} s after the video"
    return ""


def _depth_in(path: Path, rate_hz: float, unit: DepthUnit) -> Iterator[Float32[np.ndarray, "h w"]]:
    return (unit.in_metres(image) for image in iter_grey(path, rate_hz))


def joined(*notes: str) -> str:
    """The notes that say something, as one."""
    return "; ".join(note for note in notes if note)


def write_folder_item(frames: FrameFolder, folder: Path, info: ClipInfo, options: FolderSource) -> Clip:
    """Encode the frames of a folder without loss.

    Raises:
        SourceError: A part is damaged or does not fit the others.
    """
    if len(frames.colour) < MIN_FRAMES:
        raise _one_frame(frames.folder, "the folder, or add the missing frames")
    fps_hz = frames.fps_hz(info.fps_hz)
    times_s = frames.seconds(fps_hz)
    picked = grid_indices(times_s, options.resample_hz)
    first = next(frames.frames())
    size_px = (first.shape[0], first.shape[1])
    poses, pose_note = frames.camera_from_world()
    goes_along = bool(frames.depth) or frames.camera.intrinsics is not None or poses is not None
    turning = turning_of(frames.colour, all_alike=goes_along)
    recorded, turn_note = turning.camera(frames.camera.intrinsics, poses)
    camera = clip_camera(options, size_px, recorded, picked)
    unit = frames.depth_unit(getattr(options, "depth_units_per_m", None))
    chosen = frames.take(picked)
    depth_m = (turning.depth(image) for image in chosen.depth_m(turning.stored_px, unit))
    note = joined(info.note, frames.note(), pose_note, turn_note, camera.note, frames.rate_note(fps_hz))
    return write_clip(
        folder,
        replace(
            with_camera(info, camera), fps_hz=options.resample_hz or fps_hz, video="video.mkv", note=note
        ),
        chosen.frames(),
        depth_m=depth_m if chosen.depth else None,
        intrinsics=camera.intrinsics,
        camera_from_world=camera.camera_from_world,
        times=FrameTimes(picked, times_s[picked]),
    )


def _one_frame(path: Path, what: str) -> SourceError:
    return SourceError(
        f"{path} holds one frame.",
        expected="at least two frames; motion cannot be seen in one",
        remedy=f"remove {what}.",
    )
