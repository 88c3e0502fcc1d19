"""What readers of published datasets share: picking frames by time, cameras, and clips from their videos.

Conventions
    times    frame k of a recording lies at k / fps; resampling takes the nearest frame, the later of two
    cameras  intrinsics from data are trusted only where the principal point lies near the picture's centre;
             else they belong to another picture size, and are left out and told
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int

from mu0.errors import SourceError
from mu0.params.raw_videos import FolderSource
from mu0.sources.calibration import resolve_camera
from mu0.sources.clip.on_disk import Clip, ClipInfo, FrameTimes, write_clip
from mu0.sources.containers.timing import even_indices
from mu0.sources.containers.video import iter_frames, left_out_of, probe_video

MAX_CENTRE_SHIFT = 0.2
MIN_FRAMES = 2


@dataclass(frozen=True)
class RecordedCamera:
    """What a dataset says about the camera of an episode; None where it says nothing.

    Attributes:
        intrinsics: For the recording's own picture size.
        camera_from_world: One pose per frame of the recording.
        hand_eye_source: "data" where the world of the poses is the robot's base.
    """

    intrinsics: Float[np.ndarray, "3 3"] | None = None
    camera_from_world: Float[np.ndarray, "t 4 4"] | None = None
    hand_eye_source: str = "none"


@dataclass(frozen=True)
class ClipCamera:
    """The camera of a clip, with one pose per frame of the clip, and what was left out of it."""

    intrinsics: Float[np.ndarray, "3 3"] | None
    camera_from_world: Float[np.ndarray, "t 4 4"] | None
    intrinsics_source: str
    hand_eye_source: str
    note: str


def clip_camera(
    params: FolderSource,
    size_px: tuple[int, int],
    recorded: RecordedCamera,
    picked: Int[np.ndarray, " picked"],
) -> ClipCamera:
    """Decide on the camera of a clip that takes the frames `picked` of a recording.

    Poses need intrinsics: without the latter they are left out, and told.

    Args:
        params: The source's section: its calibration file and the field of view to assume.
        size_px: (height, width) of the frames.
        recorded: What the dataset says.
        picked: Numbers of the frames in the recording.

    Raises:
        SourceError: The calibration file is missing, damaged, or of another aspect ratio.
    """
    notes = []
    intrinsics, poses = recorded.intrinsics, recorded.camera_from_world
    if intrinsics is not None and not _is_centred(intrinsics, size_px):
        notes.append(
            f"intrinsics were left out: their centre ({intrinsics[0, 2]:g}, {intrinsics[1, 2]:g}) px does "
            f"not belong to frames of {size_px[1]} x {size_px[0]} px (width x height)"
        )
        intrinsics = None
    resolved = resolve_camera(params, size_px, intrinsics)
    notes += [resolved.note] * bool(resolved.note)
    hand_eye_source = recorded.hand_eye_source
    if poses is None and resolved.camera_from_base is not None:
        poses = np.tile(resolved.camera_from_base, (int(picked.max()) + 1, 1, 1))
        hand_eye_source = resolved.hand_eye_source
    if poses is None and resolved.camera_from_gripper is not None:
        notes.append("hand_eye of the calibration was not used: the gripper's poses are not known")
    if poses is not None and resolved.intrinsics is None:
        notes.append("camera poses were left out: they are of no use without intrinsics")
        poses = None
    return ClipCamera(
        resolved.intrinsics,
        None if poses is None else poses[picked],
        resolved.intrinsics_source,
        hand_eye_source if poses is not None else "none",
        "; ".join(notes),
    )


def _is_centred(intrinsics: Float[np.ndarray, "3 3"], size_px: tuple[int, int]) -> bool:
    height_px, width_px = size_px
    centre_px = np.array([(width_px - 1) / 2, (height_px - 1) / 2])
    shift = np.abs(intrinsics[:2, 2] - centre_px) / [width_px, height_px]
    return bool((shift <= MAX_CENTRE_SHIFT).all())


def with_camera(info: ClipInfo, camera: ClipCamera) -> ClipInfo:
    """`info` with the camera's origins and note added."""
    return replace(
        info,
        intrinsics_source=camera.intrinsics_source,
        hand_eye_source=camera.hand_eye_source,
        note="; ".join(part for part in (info.note, camera.note) if part),
    )


def count_frames(video: Path) -> int:
    """The number of frames of a video; each is decoded, so that faults show here and not later.

    Raises:
        SourceError: The video is damaged or holds fewer than two frames.
    """
    n_frames = sum(1 for _ in iter_frames(video, probe_video(video).fps_hz))
    if n_frames < MIN_FRAMES:
        raise SourceError(
            f"{video} holds {n_frames} frames.",
            expected=f"at least {MIN_FRAMES} frames; motion cannot be seen in one",
            remedy="leave the episode out.",
        )
    return n_frames


def write_video_clip(
    folder: Path,
    info: ClipInfo,
    video: Path,
    n_frames: int,
    params: FolderSource,
    recorded: RecordedCamera,
    *,
    depth_m: Iterable[Float32[np.ndarray, "depth_h depth_w"]] | None = None,
) -> Clip:
    """Write a clip from a dataset's video: the file unchanged, or encoded anew where it is resampled.

    Args:
        folder: The clip folder.
        info: What is known; rate, sizes and number of frames are set here.
        video: The dataset's video.
        n_frames: Its number of frames, from `count_frames`.
        params: The source's section.
        recorded: What the dataset says about the camera.
        depth_m: One depth image [m] per frame of the clip, registered to the colour camera.

    Raises:
        SourceError: A part is damaged or does not fit the others.
    """
    header = probe_video(video)
    picked = even_indices(n_frames, header.fps_hz, params.resample_hz)
    camera = clip_camera(params, (header.height_px, header.width_px), recorded, picked)
    note = "; ".join(part for part in (info.note, left_out_of(video)) if part)
    info = replace(
        with_camera(replace(info, note=note), camera),
        fps_hz=params.resample_hz or header.fps_hz,
        n_frames=len(picked),
        width_px=header.width_px,
        height_px=header.height_px,
        video="video.mp4" if params.resample_hz else f"video{video.suffix.lower()}",
    )
    return write_clip(
        folder,
        info,
        iter_frames(video, params.resample_hz) if params.resample_hz else video,
        depth_m=depth_m,
        intrinsics=camera.intrinsics,
        camera_from_world=camera.camera_from_world,
        times=FrameTimes(picked, picked / header.fps_hz),
    )
