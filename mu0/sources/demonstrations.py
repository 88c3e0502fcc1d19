"""Demonstrations: the successful robot clips of a source, as episodes that a policy learns from."""

from collections.abc import Iterator
from pathlib import Path

from mu0.errors import SourceError
from mu0.progress import track
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.collect import read_index
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode, LeRobotDataset
from mu0.sources.lerobot.writer import write_lerobot_dataset

ROBOT_TYPE = "ur3e"


def write_demonstrations(clips: Path, source: str, goal: Path) -> LeRobotDataset:
    """Write the successful demonstrations of `source` as a LeRobotDataset v3.0.

    Args:
        clips: The output of stage raw_videos.
        source: A source's name in params.yaml.
        goal: The dataset's folder.

    Raises:
        SourceError: There is no successful demonstration, or the clips differ in rate or damaged.
    """
    folders = successful_clips(clips, source)
    first = read_clip(folders[0]).info
    episodes = track(_episodes(folders, first.fps_hz), f"writing {source}", total=len(folders))
    return write_lerobot_dataset(goal, episodes, fps_hz=first.fps_hz, robot_type=ROBOT_TYPE)


def successful_clips(clips: Path, source: str) -> list[Path]:
    """The folders of a source's clips in which the demonstrator reached its goal, in the index's order.

    Raises:
        SourceError: There are none.
    """
    index = read_index(clips)
    of_source = index[index["source"] == source]
    good = of_source[(of_source["status"] == "ok") & of_source["demonstrator_success"].fillna(False)]  # noqa: FBT003
    good = good[good["has_robot"]]
    if good.empty:
        raise SourceError(
            f"Of {len(of_source)} clips of source {source!r} none is a successful robot demonstration; the "
            f"sources are {', '.join(sorted(index['source'].unique()))}.",
            expected="clips with robot states whose demonstrator reached the goal",
            remedy="name a robot source in `demonstrations.source`, or raise its n_clips in params.yaml.",
        )
    return [clips / source / str(clip_id) for clip_id in good["clip_id"]]


def episode_from_clip(clip: Clip) -> DemonstrationEpisode:
    """Decode a robot clip.

    Raises:
        SourceError: The clip lacks the wrist camera or the robot's log, or a part is damaged.
    """
    robot, wrist = clip.robot(), clip.wrist_frames()
    if robot is None or wrist is None:
        raise SourceError(
            f"{clip.folder} lacks {'robot.npz' if robot is None else 'wrist.mp4'}.",
            expected="a robot clip with a wrist camera and states",
            remedy="delete this clip's folder and run `mu0 run` again.",
        )
    return DemonstrationEpisode(clip.frames(), wrist, robot.state, robot.action, clip.info.instruction)


def _episodes(folders: list[Path], fps_hz: float) -> Iterator[DemonstrationEpisode]:
    for folder in folders:
        clip = read_clip(folder)
        if clip.info.fps_hz != fps_hz:
            raise SourceError(
                f"{folder} runs at {clip.info.fps_hz} Hz, the first demonstration at {fps_hz} Hz.",
                expected="one rate in a source",
                remedy="record the source again: run `mu0 run`.",
            )
        yield episode_from_clip(clip)
