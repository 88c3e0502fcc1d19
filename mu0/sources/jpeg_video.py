"""Datasets that store each frame as a JPEG: the same bytes become a video, without encoding again.

The clip's video (Matroska, Motion-JPEG) holds the dataset's JPEGs unchanged, so nothing is lost and a clip is
as small as its source. Every JPEG is decoded once on the way, so that a damaged one is told here and not
later.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from mu0.errors import SourceError
from mu0.sources.clip.on_disk import Clip, ClipInfo, FrameTimes, write_clip
from mu0.sources.containers.encoding import CONTAINER_OPTIONS, MAX_RATE_DENOMINATOR
from mu0.sources.containers.streams import ffmpeg_name
from mu0.sources.dataset_clip import MIN_FRAMES, ClipCamera, with_camera


def jpeg_size_px(name: str, jpeg: bytes) -> tuple[int, int]:
    """Height and width of a JPEG, which is decoded for that.

    Args:
        name: What to call it in an error.
        jpeg: The file's bytes.

    Raises:
        SourceError: The bytes are no complete JPEG.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg[:2] == b"\xff\xd8" else None
    if image is None:
        raise SourceError(
            f"{name} is no readable JPEG ({len(jpeg)} bytes).",
            expected="a complete JPEG image",
            remedy="download or copy this file again.",
        )
    return image.shape[0], image.shape[1]


def write_jpeg_clip(
    folder: Path,
    info: ClipInfo,
    jpegs: Iterable[tuple[str, bytes]],
    times: FrameTimes,
    camera: ClipCamera,
) -> Clip:
    """Write a clip whose frames are JPEGs.

    Args:
        folder: The clip folder.
        info: What is known; sizes and number of frames are set here.
        jpegs: A name for errors and the bytes of each frame.
        times: Where each frame was in the recording.
        camera: The clip's camera.

    Raises:
        SourceError: A JPEG is damaged or of another size, or there are fewer than two.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".jpeg.", dir=folder.parent) as scratch:
        video = Path(scratch) / "video.mkv"
        n_frames, size_px = _write_jpeg_video(video, jpegs, info)
        info = replace(
            with_camera(info, camera),
            n_frames=n_frames,
            height_px=size_px[0],
            width_px=size_px[1],
            video=video.name,
        )
        return write_clip(
            folder,
            info,
            video,
            intrinsics=camera.intrinsics,
            camera_from_world=camera.camera_from_world,
            times=times,
        )


def _write_jpeg_video(
    path: Path, jpegs: Iterable[tuple[str, bytes]], info: ClipInfo
) -> tuple[int, tuple[int, int]]:
    tick = 1 / Fraction(info.fps_hz).limit_denominator(MAX_RATE_DENOMINATOR)
    size_px = (0, 0)
    n_frames = 0
    with av.open(ffmpeg_name(path), "w", options=CONTAINER_OPTIONS) as container:
        stream = container.add_stream("mjpeg", rate=1 / tick)
        stream.time_base = tick
        for name, jpeg in jpegs:
            found_px = jpeg_size_px(name, jpeg)
            if n_frames == 0:
                size_px = found_px
                stream.height, stream.width = size_px
                stream.pix_fmt = "yuvj420p"  # a hint for players; decoders read the JPEGs' own headers
            if found_px != size_px:
                raise SourceError(
                    f"{name} has {found_px[0]} x {found_px[1]} pixels, the first frame {size_px[0]} x "
                    f"{size_px[1]} (height x width).",
                    expected="frames of one size",
                    remedy="download or copy this file again.",
                )
            packet = av.Packet(jpeg)
            packet.stream, packet.time_base = stream, tick
            packet.pts = packet.dts = n_frames
            packet.duration, packet.is_keyframe = 1, True
            container.mux(packet)
            n_frames += 1
    if n_frames < MIN_FRAMES:
        raise SourceError(
            f"{info.clip_id} has {n_frames} frames.",
            expected=f"at least {MIN_FRAMES} frames; motion cannot be seen in one",
            remedy="leave the episode out, or lower `resample_hz` of this source less far.",
        )
    return n_frames, size_px
