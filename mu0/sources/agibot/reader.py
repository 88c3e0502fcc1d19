"""AgiBot World: one clip per episode, seen by the head camera (or another one), in either of two layouts.

    simple   <folder>/<task>/<episode>/obs.mp4, task.txt
    raw      <folder>/observations/<task>/<episode>/videos/<camera>_color.mp4
             <folder>/task_info/task_<task>.json                         names, and actions with their frames
             <folder>/parameters/<task>/<episode>/[parameters/]camera/   see `mu0.sources.agibot.camera`

Clips are named `<task>__<episode>`: an episode's number alone is not unique over tasks. Task and episode are
names of folders, never taken from metadata, and a folder that is a link out of the dataset is refused.

Left out and told: depth (head_depth_*.png; nothing says whether its pixels are the colour image's) and the
robot's states (a clip's robot log describes our own UR3). The poses' world is the robot's base, so that a
robot that drives makes the room move.

Sources: github.com/OpenDriveLab/AgiBot-World (scripts/convert_to_lerobot.py) and the dataset's card.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import final

from mu0.errors import SourceError
from mu0.files import inside
from mu0.params.raw_videos import AgiBotSource
from mu0.sources.agibot.camera import CAMERA_FOLDERS, camera_files, read_camera
from mu0.sources.agibot.texts import TaskText, read_task_info
from mu0.sources.clip.on_disk import Clip, ClipInfo
from mu0.sources.dataset_clip import RecordedCamera, count_frames, write_video_clip
from mu0.sources.item import (
    AbstractSource,
    SourceItem,
    broken_item,
    content_fingerprint,
    require_folder,
    safe_name,
)
from mu0.text_files import Text, read_text

LICENCE = "CC BY-NC-SA 4.0"
DEFAULT_CAMERA = "head"


@dataclass(frozen=True)
class Episode:
    """The files of one episode; empty where the layout has none."""

    task: str
    number: str
    video: Path
    task_info: Path | None = None
    cameras: Path | None = None
    has_depth: bool = False

    @property
    def clip_id(self) -> str:
        """Unique over all tasks."""
        return safe_name(self.task, self.number)


@final
class AgiBotReader(AbstractSource):
    """The source of kind `agibot`."""

    def __init__(self, name: str, params: AgiBotSource) -> None:
        self._name = name
        self._params = params
        self._camera = params.camera or DEFAULT_CAMERA

    def items(self) -> Iterator[SourceItem]:
        """One item per episode folder.

        Raises:
            SourceError: The folder is missing, or no episode lies in it.
        """
        folder = require_folder(
            Path(self._params.folder), "AgiBot World: <task>/<episode>/obs.mp4, or the raw layout"
        )
        is_raw = (folder / "observations").is_dir()
        episodes = _folders(folder / "observations" if is_raw else folder)
        if not episodes:
            raise SourceError(
                f"{folder} holds no AgiBot episodes (found 0).",
                expected="<task>/<episode>/obs.mp4, or observations/<task>/<episode>/videos/head_color.mp4",
                remedy="unpack the dataset's tar files here, or correct `folder` in params.yaml.",
            )
        for task, number in episodes:
            clip_id = safe_name(task, number)
            try:
                episode = self._raw(folder, task, number) if is_raw else _simple(folder, task, number)
            except SourceError as error:
                yield broken_item(clip_id, error)
                continue
            yield SourceItem(
                clip_id, fingerprint=partial(self._fingerprint, episode), write=partial(self._write, episode)
            )

    def _raw(self, folder: Path, task: str, number: str) -> Episode:
        place = f"observations/{task}/{number}"
        video = _video(folder, f"{place}/videos/{self._camera}_color.mp4")
        info = inside(folder, f"task_info/task_{task}.json")
        cameras = [inside(folder, f"parameters/{task}/{number}/{name}") for name in CAMERA_FOLDERS]
        return Episode(
            task,
            number,
            video,
            info if info.is_file() else None,
            next((path for path in cameras if path.is_dir()), None),
            has_depth=(folder / place / "depth").is_dir(),
        )

    def _fingerprint(self, episode: Episode) -> str:
        extra = [] if episode.cameras is None else camera_files(episode.cameras, self._camera)
        return content_fingerprint(episode.video, *extra, text=str(_text_of(episode)))

    def _write(self, episode: Episode, folder: Path) -> Clip:
        n_frames = count_frames(episode.video)
        text = _text_of(episode)
        recorded, notes = RecordedCamera(), [text.note]
        if episode.cameras is not None:
            recorded, note = read_camera(episode.cameras, self._camera, n_frames)
            notes.append(note)
        if episode.has_depth:
            notes.append("depth and robot states were left out")
        info = ClipInfo(
            clip_id=episode.clip_id,
            source=self._name,
            fps_hz=0.0,
            n_frames=0,
            width_px=0,
            height_px=0,
            instruction=text.instruction,
            scene_id=f"{self._name}/{safe_name(episode.task)}",
            licence=self._params.licence or LICENCE,
            note="; ".join(note for note in notes if note),
        )
        return write_video_clip(folder, info, episode.video, n_frames, self._params, recorded)


def _simple(folder: Path, task: str, number: str) -> Episode:
    return Episode(task, number, _video(folder, f"{task}/{number}/obs.mp4"))


def _text_of(episode: Episode) -> TaskText:
    if episode.task_info is not None:
        return read_task_info(episode.task_info, episode.number)
    path = episode.video.parent / "task.txt"
    found = read_text(path) if path.is_file() else Text("")
    return TaskText(" ".join(line.strip() for line in found.text.splitlines()).strip(), found.note)


def _video(folder: Path, name: str) -> Path:
    path = inside(folder, name)
    if not path.is_file():
        there = sorted(other.name for other in path.parent.glob("*.mp4"))
        raise SourceError(
            f"{path} is missing; the videos there are: {', '.join(there) or 'none'}.",
            expected="the video of the chosen camera",
            remedy="download it, or name another `camera` in params.yaml (head, hand_left, hand_right ...).",
        )
    return path


def _folders(folder: Path) -> list[tuple[str, str]]:
    """Task and episode of all episode folders, numbers in their order."""
    found = [path.relative_to(folder).parts for path in folder.glob("*/*") if path.is_dir()]
    names = [(parts[0], parts[1]) for parts in found if not any(part.startswith(".") for part in parts)]
    return sorted(names, key=lambda pair: [(int(part) if part.isdecimal() else -1, part) for part in pair])
