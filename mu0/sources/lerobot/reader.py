"""LeRobotDatasets as a source of clips: v2.0, v2.1 and v3.0, with or without depth.

Each episode becomes a clip of one camera. A video that holds one episode is kept as it is; an episode of a
shared video is cut out and encoded anew (H.264 crf 12), an episode of images becomes FFV1.
Depth comes along where it is registered to the camera (the same picture size) and can be turned into metres.
Robot states and actions are kept where they have our own UR3 layout, else left out and told in the note.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

import cv2
import numpy as np
from jaxtyping import Float, Int, UInt8

from mu0.errors import SourceError
from mu0.files import inside
from mu0.params.raw_videos import LeRobotSource
from mu0.sources.clip.on_disk import Clip, ClipInfo, FrameTimes, write_clip
from mu0.sources.containers.timing import grid_indices, take
from mu0.sources.containers.video import iter_frames, iter_range, probe_video, scan_video
from mu0.sources.dataset_clip import RecordedCamera, clip_camera, with_camera
from mu0.sources.item import AbstractSource, SourceItem, broken_item, require_folder
from mu0.sources.lerobot.dataset_v3 import WRIST
from mu0.sources.lerobot.depth import is_depth
from mu0.sources.lerobot.depth_and_robot import ACTION, STATE, DepthFrames, depth_of, not_used, robot_of
from mu0.sources.lerobot.fingerprint import episode_fingerprint
from mu0.sources.lerobot.frame_range import clocks_apart, frame_range
from mu0.sources.lerobot.info import AGAIN
from mu0.sources.lerobot.layout import Layout, read_layout
from mu0.sources.lerobot.places import Episode
from mu0.sources.lerobot.rows import EpisodeRows, open_rows
from mu0.text_files import read_text

MIN_FRAMES = 2


@final
class LeRobotReader(AbstractSource):
    """The source of kind `lerobot`."""

    def __init__(self, name: str, params: LeRobotSource) -> None:
        self._name = name
        self._params = params

    def items(self) -> Iterator[SourceItem]:
        """One item per episode of the metadata.

        Raises:
            SourceError: The folder is no LeRobotDataset, or has no such camera.
        """
        root = require_folder(Path(self._params.folder), "a LeRobotDataset")
        layout = read_layout(root)
        camera = _chosen_camera(layout, self._params.camera)
        params = self._params.model_copy(update={"camera": camera})
        licence = params.licence or _licence_of(root)
        for episode in layout.episodes:
            if episode.fault is not None:
                yield broken_item(episode.name, episode.fault)
                continue
            job = _Job(layout, episode, self._name, camera, licence, params)
            yield SourceItem(episode.name, fingerprint=job.fingerprint, write=partial(_write, job))


@dataclass(frozen=True)
class _Job:
    """One episode to be written."""

    layout: Layout
    episode: Episode
    source: str
    camera: str
    licence: str
    params: LeRobotSource

    def fingerprint(self) -> str:
        """Everything that the clip depends on; raises a SourceError where a file is missing or damaged."""
        depth = depth_of(self.layout, self.params, self.camera)
        wrist = [WRIST] if WRIST in self.layout.cameras and self.params.embodiment == "ur3" else []
        keys = list(dict.fromkeys([self.camera, *([depth.key] if depth.key else []), *wrist]))
        return episode_fingerprint(self.layout, self.episode, keys, licence=self.licence)


def _write(job: _Job, folder: Path) -> Clip:
    layout, episode, params = job.layout, job.episode, job.params
    rows = open_rows(layout.root, episode)
    if rows.length < MIN_FRAMES:
        raise SourceError(
            f"{rows.path}: {episode.name} has {rows.length} frame.",
            expected=f"at least {MIN_FRAMES} frames; motion cannot be seen in one",
            remedy="leave the episode out.",
        )
    times_s = rows.seconds(layout.fps_hz)
    picked = grid_indices(times_s, params.resample_hz)
    frames = _frames_of(job, rows, picked)
    camera = clip_camera(params, frames.size_px, RecordedCamera(), picked)
    depth = depth_of(layout, params, job.camera, frames.size_px)
    robot = robot_of(layout, rows, params, picked)
    instruction, task_note = _instruction(layout, episode, rows)
    looked_at = {job.camera, depth.key, STATE, ACTION, None if robot.log is None else WRIST}
    notes = (frames.note, depth.note, robot.note, task_note, not_used(layout, looked_at))
    info = ClipInfo(
        clip_id=episode.name,
        source=job.source,
        fps_hz=params.resample_hz or layout.fps_hz,
        n_frames=len(picked),
        width_px=frames.size_px[1],
        height_px=frames.size_px[0],
        instruction=instruction,
        embodiment=robot.embodiment,
        scene_id=f"{job.source}/{episode.name}",
        licence=job.licence,
        video=frames.name,
        note="; ".join(note for note in notes if note),
    )
    return write_clip(
        folder,
        with_camera(info, camera),
        frames.content,
        depth_m=take(_depth_frames(job, rows, depth), picked) if depth.key else None,
        intrinsics=camera.intrinsics,
        camera_from_world=camera.camera_from_world,
        robot=robot.log,
        wrist_frames=_wrist_frames(job, rows, picked) if robot.log is not None else None,
        times=FrameTimes(picked, times_s[picked]),
    )


@dataclass(frozen=True)
class _Frames:
    """The frames of a clip: a file to be kept, or images to be encoded."""

    content: Path | Iterator[UInt8[np.ndarray, "h w 3"]]
    size_px: tuple[int, int]
    name: str
    note: str = ""


def _frames_of(job: _Job, rows: EpisodeRows, picked: Int[np.ndarray, " picked"]) -> _Frames:
    place = job.episode.videos.get(job.camera)
    if place is None:
        first = next(rows.images(job.camera, cv2.IMREAD_COLOR))
        images = (image[..., ::-1] for image in rows.images(job.camera, cv2.IMREAD_COLOR))
        return _Frames(take(images, picked), (first.shape[0], first.shape[1]), "video.mkv")
    path = inside(job.layout.root, place.file)
    if place.seconds is not None:
        header = probe_video(path)
        frames = iter_range(path, frame_range(job.layout, place, rows.length))
        return _Frames(take(frames, picked), (header.height_px, header.width_px), "video.mp4")
    return _whole_file(job, path, rows, picked)


def _whole_file(job: _Job, path: Path, rows: EpisodeRows, picked: Int[np.ndarray, " picked"]) -> _Frames:
    """The frames of a file that holds this episode only: by their times, or by number where those are off."""
    header, fps_hz = probe_video(path), job.layout.fps_hz
    size_px = (header.height_px, header.width_px)
    scan = scan_video(path, fps_hz)
    n_found, notes = len(scan.time_s), [scan.note()]
    if clocks := clocks_apart(header.fps_hz, fps_hz):
        n_own = n_found if n_found == rows.length else len(scan_video(path).time_s)
        if n_own == rows.length != n_found:
            note = f"{clocks}: frames were taken by their number"
            return _Frames(take(iter_frames(path), picked), size_px, "video.mp4", note)
        notes.append(f"{clocks}: frames were taken by their time")
    if n_found < rows.length:
        raise _too_short(path, n_found, rows.length, clocks)
    if n_found > rows.length:
        notes.append(f"the last {n_found - rows.length} frames of the video were left out: they have no rows")
    note = "; ".join(part for part in notes if part)
    if n_found == rows.length and _keeps(path, job.params.resample_hz or fps_hz, picked):
        return _Frames(path, size_px, f"video{path.suffix.lower()}", note)
    return _Frames(take(iter_frames(path, fps_hz), picked), size_px, "video.mp4", note)


def _keeps(path: Path, fps_hz: float, picked: Int[np.ndarray, " picked"]) -> bool:
    """The file itself, read at this rate, gives just the picked frames."""
    return np.array_equal(scan_video(path, fps_hz).source_frame, picked)


def _depth_frames(job: _Job, rows: EpisodeRows, depth: DepthFrames) -> Iterator[Float[np.ndarray, "h w"]]:
    assert depth.key is not None
    place = job.episode.videos.get(depth.key)
    if place is None:
        return depth.from_images(rows)
    return depth.from_video(inside(job.layout.root, place.file), frame_range(job.layout, place, rows.length))


def _wrist_frames(
    job: _Job, rows: EpisodeRows, picked: Int[np.ndarray, " picked"]
) -> UInt8[np.ndarray, "t 64 64 3"] | None:
    """Frames of our own wrist camera, None where there is none of its size."""
    place = job.episode.videos.get(WRIST)
    if place is None or job.camera == WRIST or job.layout.cameras[WRIST].get("shape") != [64, 64, 3]:
        return None
    path = inside(job.layout.root, place.file)
    return np.stack(list(take(iter_range(path, frame_range(job.layout, place, rows.length)), picked)))


def _instruction(layout: Layout, episode: Episode, rows: EpisodeRows) -> tuple[str, str]:
    """The episode's instruction, and a note where it has several."""
    texts = [text for text in episode.tasks if text]
    if not texts and layout.task_texts and "task_index" in layout.features:
        numbers = rows.column("task_index").reshape(-1)
        texts = [layout.task_texts.get(int(number), "") for number in dict.fromkeys(numbers.tolist())]
    if len(texts) > 1:
        return texts[0], f"the episode has {len(texts)} instructions, of which the first was taken"
    return (texts[0] if texts else ""), ""


def _chosen_camera(layout: Layout, asked: str | None) -> str:
    cameras = [key for key, feature in layout.cameras.items() if not is_depth(key, feature)]
    if asked is None and cameras:
        return cameras[0]
    if asked in layout.cameras:
        return str(asked)
    raise SourceError(
        f"{layout.root} has the cameras {', '.join(layout.cameras) or '(none)'}, not {asked!r}.",
        expected="a feature of dtype video or image",
        remedy="correct `raw_videos.sources.<name>.camera` in params.yaml.",
    )


def _licence_of(root: Path) -> str:
    """The licence in the dataset card's header, empty where there is none."""
    card = root / "README.md"
    lines = read_text(card).text.splitlines()[:60] if card.is_file() else []
    if not lines or lines[0].strip() != "---":
        return ""
    for line in lines[1:]:
        if line.strip() == "---":
            return ""
        if line.startswith(("license:", "licence:")):
            return line.split(":", 1)[1].strip().strip("\"'")
    return ""


def _too_short(path: Path, n_found: int, n_rows: int, clocks: str) -> SourceError:
    return SourceError(
        f"{path} holds {n_found} frames, the episode {n_rows} rows{'; ' * bool(clocks)}{clocks}.",
        expected="one frame per row",
        remedy=AGAIN,
    )
