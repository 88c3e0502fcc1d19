"""Questions about the gripper alone: what a policy asks, and what tells nothing about the target away.

Every official question holds points on the target: where they lie says which thing is meant, and that they
rest says that nothing is held yet. Here only points on the side of the gripper (or hand) that the camera
sees are asked about, as kinematics and a known camera would give them. Simulated clips alone can be asked
so: their recorded truth has the points, their exact paths, and where the hand closes and opens.

Conventions
    truth   exact paths in the anchor's camera, at equal steps of the path that the fastest point goes
    goal    mean place of the asked points when the hand begins to close (approach, hover) or to open (carry,
            place), in the simulator's world, z up
    hover   only until the hand begins to close
    carry   only on the way across: while a thing is lifted, the lowest place of the path is where it was
"""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from mu0.dataset.captions import read_captions
from mu0.dataset.evaluation import EvaluationSample
from mu0.dataset.rows import WindowShape
from mu0.envs.entities import HAND
from mu0.episodes.read import Episode
from mu0.evaluation.phases.labels import EpisodeLabels, LabelFolders, read_labels
from mu0.evaluation.phases.names import ACROSS, GRASPED, PHASES, RELEASED
from mu0.evaluation.phases.recorded import Recorded
from mu0.evaluation.traces.gripper_paths import GripperQuestion
from mu0.geometry.arc_length import STEP, equal_steps, lengths
from mu0.geometry.camera import project, uvz_from_trace
from mu0.geometry.rigid import apply
from mu0.records import Observation, Queries

MOST_KEYPOINTS = 10
FEWEST_KEYPOINTS = 4
MOMENTS_PER_PHASE = 2
PER_SHARE = np.array([2.0, 2.0, 1.0])  # uvz per unit of path length: one image width, height or metre


def gripper_questions(
    slots: pd.DataFrame, folders: LabelFolders, shape: WindowShape
) -> list[GripperQuestion]:
    """Up to `MOMENTS_PER_PHASE` moments of each phase of every simulated episode with depth, evenly spread.

    Args:
        slots: Rows of `index.parquet`: which anchors there are, most often of the test split.
        folders: Episodes, captions, and the exact truth of simulated clips.
        shape: Length of past and future.

    Raises:
        EpisodeError: An episode is damaged.
        StageError: A truth was recorded before phases were.
    """
    found: list[GripperQuestion] = []
    ordered = slots[slots["is_3d"].astype(bool)].sort_values(["episode_id", "frame_index"])
    for episode_id, rows in ordered.groupby("episode_id", sort=True):
        labels = read_labels(str(episode_id), folders)
        if labels.recorded is None:
            continue
        captions = read_captions(folders.captions, str(episode_id))
        for phase in PHASES:
            candidates = [
                row
                for row in rows.to_dict("records")
                if labels.phases[row["frame_index"]] == phase
                and _goal(labels, row["frame_index"]) is not None
            ]
            for row in _spread(candidates):
                text = captions.first(int(row["frame_index"]))
                question = _question(labels, labels.recorded, row, text, shape)
                found += [question] if question is not None else []
    return found


def _spread(candidates: list[dict[Any, Any]]) -> list[dict[Any, Any]]:
    n = min(MOMENTS_PER_PHASE, len(candidates))
    return [candidates[int(place)] for place in (np.arange(n) + 0.5) * len(candidates) / max(n, 1)]


def _goal(labels: EpisodeLabels, frame: int) -> int | None:
    """The frame in which the hand closes or opens next; none while it does so, or is lifting."""
    recorded, phase = labels.recorded, labels.phases[frame]
    assert recorded is not None
    if phase == "carry" and recorded.name[frame] != ACROSS:
        return None
    goal = recorded.next_start(frame, GRASPED if phase in ("approach", "hover") else RELEASED)
    return None if goal is None or goal <= frame else goal


def _question(
    labels: EpisodeLabels, truth: Recorded, row: dict[Any, Any], text: str, shape: WindowShape
) -> GripperQuestion | None:
    """The question of one anchor; None where too little of the gripper is seen or nothing moves any more."""
    frame, episode = int(row["frame_index"]), labels.episode
    points = _chosen_points(truth, frame)
    goal = _goal(labels, frame)
    if len(points) < FEWEST_KEYPOINTS or goal is None:
        return None
    height, width = episode.size_px
    camera = truth.camera_from_world[frame]
    places_m = truth.points_world[:, points].astype(np.float64)
    path = uvz_from_trace(project(apply(camera, places_m), truth.intrinsics), height, width)
    retiming = episode.sidecar.retiming
    step = retiming.path_step if retiming is not None else STEP
    future = _at_equal_steps(path[frame:], shape.future_len, step)
    if future.shape[1] < shape.min_future_steps:
        return None
    past = _at_equal_steps(path[frame::-1], shape.history_len, step)
    history = np.full((len(points), shape.history_len, 3), np.nan)
    history[:, shape.history_len - past.shape[1] :] = past[:, ::-1]
    truth_uvz = np.zeros((len(points), shape.future_len, 3))
    truth_uvz[:, : future.shape[1]] = future
    valid = np.broadcast_to(np.arange(shape.future_len) < future.shape[1], truth_uvz.shape[:2])
    sample = EvaluationSample(
        episode_id=str(row["episode_id"]),
        source=str(row["source"]),
        scene_id=str(row["scene_id"]),
        frame_index=frame,
        is_3d=True,
        observation=_observation(episode, frame, text),
        queries=Queries(path[frame].astype(np.float32), history.astype(np.float32)),
        truth_uvz=truth_uvz,
        valid=valid,
    )
    hand_m, goal_m = places_m[frame].mean(0), places_m[goal].mean(0)
    return GripperQuestion(sample, labels.phases[frame], hand_m, goal_m, camera)


def _observation(episode: Episode, frame: int, text: str) -> Observation:
    depth = None if episode.depth is None else np.array(episode.depth[frame], dtype=np.float32)
    intrinsics = np.array(episode.intrinsics[frame])
    return Observation(np.array(episode.images[frame]), text, depth_m=depth, intrinsics=intrinsics)


def _chosen_points(truth: Recorded, frame: int) -> Int[np.ndarray, " q"]:
    """Points of the hand that are seen, thinned evenly."""
    seen = np.flatnonzero((truth.entity == HAND) & truth.visible[frame])
    n = min(MOST_KEYPOINTS, len(seen))
    return seen[np.linspace(0, max(len(seen) - 1, 0), n).round().astype(int)]


def _at_equal_steps(
    path: Float[np.ndarray, "t q 3"], n_steps: int, step: float
) -> Float[np.ndarray, "q known 3"]:
    """The path at steps 1, 2, ... of equal length, as far as it goes, at most `n_steps`."""
    advance = lengths((path / PER_SHARE).swapaxes(0, 1)).max(0)
    segment, share = equal_steps(advance, n_steps + 1, step)
    segment, share = segment[1:], share[1:, None, None]
    later = path[np.minimum(segment + 1, len(path) - 1)]
    return (path[segment] + share * (later - path[segment])).swapaxes(0, 1)
