"""Demonstrations: the robot clips of a source, as episodes that a policy learns from.

Each episode is labelled: `success` in the episode table, `next.success` and `next.done` in its rows. Those
that failed come last, so that the others are the same rows and frames with and without them. Of a simulated
source the table also tells the scene (`task`, `scene_seed`, `variant`, `unseen_objects`), so that `mu0 demos
doctor --replay` can set it up again; states and actions have the names of the task (mu0/envs/ur3/tasks.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt16

from mu0.envs.ur3.tasks import find_task
from mu0.errors import SourceError
from mu0.params.raw_videos import SimulatedSource
from mu0.progress import track
from mu0.sources.clip.on_disk import Clip, read_clip
from mu0.sources.collect import read_index
from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode, LeRobotDataset
from mu0.sources.lerobot.depth import USUAL_CODING
from mu0.sources.lerobot.ur3_features import (
    CAMERA_COLUMNS,
    DEPTH,
    INTRINSICS,
    OUTCOME_COLUMNS,
    POSE,
    outcome_columns,
    robot_columns,
    ur3_contents,
    ur3_episode,
)
from mu0.sources.lerobot.whole_episode import WholeEpisode
from mu0.sources.lerobot.writing_v3 import write_v3

ROBOT_TYPE = "ur3e"


@dataclass(frozen=True)
class Kept:
    """What of the clips goes into the dataset beside pictures, states, actions and labels.

    Attributes:
        failures: Also those whose goal was not reached, behind the others.
        cameras: Also intrinsics and extrinsics of the front camera.
        depth: Also depth of the front camera.
        recorded: The source's section where it was recorded in our simulator; its scenes are told then.
    """

    failures: bool = True
    cameras: bool = False
    depth: bool = False
    recorded: SimulatedSource | None = None


USUAL = Kept()


@dataclass(frozen=True)
class Demonstration:
    """A clip's folder, and whether the demonstrator reached its goal in it."""

    folder: Path
    success: bool


def write_demonstrations(clips: Path, source: str, goal: Path, kept: Kept = USUAL) -> LeRobotDataset:
    """Write the demonstrations of `source` as a LeRobotDataset v3.0.

    Args:
        clips: The output of stage raw_videos.
        source: A source's name in params.yaml.
        goal: The dataset's folder.
        kept: What goes into it.

    Raises:
        SourceError: There is no successful demonstration, the clips differ in rate, are damaged or lack what
            is to be kept, or they are not those of the section `kept.recorded`.
    """
    chosen = demonstrations_of(clips, source, keep_failures=kept.failures)
    fps_hz = read_clip(chosen[0].folder).info.fps_hz
    episodes = track(_episodes(chosen, fps_hz, kept), f"writing {source}", total=len(chosen))
    columns = OUTCOME_COLUMNS | (CAMERA_COLUMNS if kept.cameras else {})
    if kept.recorded is not None:
        task = find_task(kept.recorded.task)
        columns = robot_columns(task.state_names, task.action_names) | columns
    cameras = {DEPTH: USUAL_CODING.info()} if kept.depth else {}
    write_v3(goal, episodes, ur3_contents(fps_hz, ROBOT_TYPE, columns, cameras))
    return LeRobotDataset.open(goal)


def demonstrations_of(clips: Path, source: str, *, keep_failures: bool) -> list[Demonstration]:
    """The demonstrations of a source: the successful ones in the index's order, then those that failed.

    Raises:
        SourceError: None was successful.
    """
    index = read_index(clips)
    of_source = index[index["source"] == source]
    tried = of_source[(of_source["status"] == "ok") & of_source["has_robot"]]
    tried = tried[tried["demonstrator_success"].notna()]
    good = tried["demonstrator_success"].astype(bool)
    if not good.any():
        raise SourceError(
            f"Of {len(of_source)} clips of source {source!r} none is a successful robot demonstration; the "
            f"sources are {', '.join(sorted(index['source'].unique()))}.",
            expected="clips with robot states whose demonstrator reached the goal",
            remedy="name a robot source in `demonstrations.source`, or raise its n_clips in params.yaml.",
        )
    failed = tried[~good] if keep_failures else tried[:0]
    return [
        Demonstration(clips / source / str(clip_id), bool(success))
        for clip_id, success in pd.concat([tried[good], failed])[["clip_id", "demonstrator_success"]].values
    ]


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


def _episodes(chosen: list[Demonstration], fps_hz: float, kept: Kept) -> Iterator[WholeEpisode]:
    for demonstration in chosen:
        clip = read_clip(demonstration.folder)
        if clip.info.fps_hz != fps_hz:
            raise SourceError(
                f"{clip.folder} runs at {clip.info.fps_hz} Hz, the first demonstration at {fps_hz} Hz.",
                expected="one rate in a source",
                remedy="record the source again: run `mu0 run`.",
            )
        plain = ur3_episode(episode_from_clip(clip))
        success = demonstration.success
        yield WholeEpisode(
            columns=plain.columns
            | outcome_columns(clip.info.n_frames, success=success)
            | (_camera_columns(clip) if kept.cameras else {}),
            videos={**plain.videos, **({DEPTH: _depth_codes(clip)} if kept.depth else {})},
            tasks=plain.tasks,
            facts={"success": success, "clip_id": clip.info.clip_id, **_scene(clip, kept.recorded)},
        )


def _camera_columns(clip: Clip) -> dict[str, Float32[np.ndarray, "t n"]]:
    """Intrinsics and extrinsics of the front camera, once per frame."""
    intrinsics, poses = clip.intrinsics(), clip.camera_from_world()
    if intrinsics is None or poses is None:
        raise _lacks(clip, "cameras", "intrinsics" if intrinsics is None else "poses of the camera")
    n_frames = clip.info.n_frames
    matrices = {
        INTRINSICS: np.tile(intrinsics.reshape(1, -1), (n_frames, 1)),
        POSE: poses.reshape(n_frames, -1),
    }
    return {name: matrix.astype(np.float32) for name, matrix in matrices.items()}


def _depth_codes(clip: Clip) -> Iterator[UInt16[np.ndarray, "h w"]]:
    if not clip.info.has_depth:
        raise _lacks(clip, "depth", "depth")
    return map(USUAL_CODING.codes, clip.iter_depth_m())


def _lacks(clip: Clip, option: str, what: str) -> SourceError:
    return SourceError(
        f"{clip.folder} has no {what}.",
        expected=f"{what} in every clip, for demonstrations.{option} asks for it",
        remedy=f"set demonstrations.{option} to false, or name a source that has it.",
    )


def _scene(clip: Clip, recorded: SimulatedSource | None) -> dict[str, Any]:
    """What it takes to set up the scene of a simulated clip again; nothing of other clips."""
    if recorded is None:
        return {}
    number = clip.info.clip_id.rsplit("_", 1)[-1]
    scene_seed, variant = recorded.scene_of(int(number)) if number.isdecimal() else (-1, -1)
    if clip.info.scene_id != f"{recorded.clip_prefix}_scene_{scene_seed:06d}":
        raise SourceError(
            f"{clip.folder} is of scene {clip.info.scene_id!r}, by params.yaml of seed {scene_seed}.",
            expected="clips that were recorded with the source's section in params.yaml",
            remedy="run `mu0 run`, which records them again where the section has changed.",
        )
    return {
        "task": recorded.task,
        "scene_seed": scene_seed,
        "variant": variant,
        "unseen_objects": recorded.unseen_objects,
    }
