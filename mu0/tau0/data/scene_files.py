"""A scene on disk: two videos and five arrays that hold all its recordings one after the other.

    front.mp4, wrist.mp4   H.264; one of them is missing where that view is
    state.npy              float32, `ArmWorld.state`
    wanted.npy             float32, what the actor wanted: what to clone
    executed.npy           float32, what was done: what led to the next frame
    thing_m.npy            float32, where the thing is that the task is about (truth, for evaluations only)
    held.npy               uint8, subgoals that hold
    about.json             the scene and its recordings: where each begins, and what is known of it

Hand video has no arrays. All numbers have one row per frame; see `mu0.tau0.data.tape` for the last one.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from mu0.dataset.array_files import ABOUT, RowsWriter, map_arrays, read_about
from mu0.envs.ur3.arm_world import CONTROL_HZ
from mu0.errors import DatasetError
from mu0.files import write_json
from mu0.sources.containers.encoding import write_video
from mu0.sources.containers.video import read_frames
from mu0.tau0.data.one_scene import Recorded
from mu0.tau0.data.scene_plan import SceneJob
from mu0.tau0.data.tape import Recording

VIEWS = ("front", "wrist")
NUMBERS = ("state", "wanted", "executed", "thing_m")
CRF = 16


def write_scene(folder: Path, job: SceneJob, recorded: list[Recorded]) -> None:
    """Write the recordings of a scene into an empty folder."""
    n_frames = [recording.n_frames for _, recording in recorded]
    firsts = [int(first) for first in np.cumsum([0, *n_frames[:-1]])]
    views = []
    for view in VIEWS:
        pictures = [getattr(recording, view) for _, recording in recorded]
        if all(each is not None for each in pictures):
            views.append(view)
            frames = (frame for each in pictures for frame in each)
            write_video(folder / f"{view}.mp4", frames, CONTROL_HZ, crf=CRF)
    about = {
        "scene": {key: getattr(job, key) for key in ("scene_id", "source", "task", "seed")},
        "views": views,
        "n_frames": sum(n_frames),
        "recordings": [
            {"first_row": first, "n_frames": count, **asdict(told)}
            for first, count, (told, _) in zip(firsts, n_frames, recorded, strict=True)
        ],
    }
    write_json(folder / ABOUT, about)
    if all(recording.held is not None for _, recording in recorded):
        _write_numbers(folder, sum(n_frames), [recording for _, recording in recorded])


def _write_numbers(folder: Path, n_rows: int, recordings: list[Recording]) -> None:
    with RowsWriter(folder, n_rows) as writer:
        for recording in recordings:
            rows = {name: getattr(recording, name).astype(np.float32) for name in NUMBERS}
            assert recording.held is not None
            writer.append(held=recording.held.astype(np.uint8), **rows)


def read_scene(folder: Path) -> dict[str, Any]:
    """What about.json says.

    Raises:
        StageError: It is missing or no JSON.
    """
    return read_about(folder)


def scene_numbers(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a scene by name, mapped read-only; empty for hand video."""
    return map_arrays(folder)


def scene_pictures(folder: Path, view: str) -> UInt8[np.ndarray, "t h w 3"]:
    """All pictures of a view, those of all recordings in a row.

    Raises:
        DatasetError: The scene lacks that view.
        SourceError: The video is damaged.
    """
    path = folder / f"{view}.mp4"
    if not path.is_file():
        raise DatasetError(
            f"{folder} has no {view} view.",
            expected=f"one of {', '.join(read_scene(folder)['views'])}",
            remedy="ask for a view that is listed in its about.json.",
        )
    return read_frames(path)
