"""Tables over all scenes: recordings, labels of every frame, branches.

    recordings.parquet   one row per recording: scene, split, kind, fault, where its frames lie
    frames.parquet       one row per labelled frame: subgoals held, `overall` and `released` progress
    branches.parquet     one row per branch: from where, and how far hand and thing end from where they would

Labels follow `mu0.tau0.data.labels`. An error that did not keep the arm from success, in the recording or
after the branch that it begins in, is labelled as the success that it is, and marked `harmless`. Hand video
and the hand-held gripper have no labels, and no rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from mu0.dataset.splits import assign_splits
from mu0.params.tau0_data import Tau0DataParams
from mu0.tau0.data.labels import Progress, after_error, of_episode, towards
from mu0.tau0.data.scene_files import read_scene, scene_numbers
from mu0.tau0.data.subgoals import SUBGOALS

TCP = slice(-3, None)  # of a state
LABELLED = ("demonstration", "fault", "rollout", "branch")


@dataclass(frozen=True)
class Tables:
    """What the files hold; see the module header."""

    recordings: pd.DataFrame
    frames: pd.DataFrame
    branches: pd.DataFrame


def make_tables(folders: list[Path], params: Tau0DataParams) -> Tables:
    """Read all scenes and label them.

    Args:
        folders: Of the scenes, in order.
        params: Splits and gamma.
    """
    scenes = [read_scene(folder) for folder in folders]
    splits = _splits([scene["scene"] for scene in scenes], params)
    recordings: list[dict[str, Any]] = []
    frames: list[pd.DataFrame] = []
    branches: list[dict[str, Any]] = []
    for folder, scene in zip(folders, scenes, strict=True):
        head = {**scene["scene"], "split": splits[scene["scene"]["scene_id"]]}
        numbers = scene_numbers(folder)
        labels = dict(_labels(scene, numbers, params.gamma))
        for number, told in enumerate(scene["recordings"]):
            row = {**head, "recording": number, **told, "views": "+".join(scene["views"])}
            kept = {name: value for name, value in row.items() if name != "reaches"}
            recordings.append({**kept, "harmless": _is_harmless(told)})
            if number in labels:
                frames.append(_frames_of(row, numbers["held"], labels[number]))
        branches += _branches_of(head, scene["recordings"], numbers)
    return Tables(
        pd.DataFrame(recordings),
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=FRAME_COLUMNS),
        pd.DataFrame(branches, columns=BRANCH_COLUMNS),
    )


FRAME_COLUMNS = ["scene_id", "recording", "frame", "held", "overall", "released"]
BRANCH_COLUMNS = [
    "scene_id", "split", "task", "group", "chunk", "fault", "recording", "start_step", "n_frames",
    "start_gap", "end_gap_m", "thing_gap_m",
]  # fmt: skip


def _is_harmless(told: dict[str, Any]) -> bool:
    """Whether there is an error that does not keep the arm from success."""
    return bool(told["reaches"]) or (told["kind"] == "fault" and told["success"])


def _splits(scenes: list[dict[str, Any]], params: Tau0DataParams) -> dict[str, str]:
    """Scenes of each kind are split apart, so that every split meets every kind."""
    table = pd.DataFrame(
        {
            "source": [f"{scene['source']} {scene['task']}" for scene in scenes],
            "scene_id": [scene["scene_id"] for scene in scenes],
        }
    )
    found = assign_splits(table, val_share=params.val_share, test_share=params.test_share, seed=params.seed)
    return {scene_id: split for (_, scene_id), split in found.items()}


def _rows(told: dict[str, Any]) -> slice:
    return slice(told["first_row"], told["first_row"] + told["n_frames"])


def _labels(
    scene: dict[str, Any], numbers: dict[str, np.ndarray], gamma: float
) -> Iterator[tuple[int, Progress]]:
    """Recording number -> labels, for what is labelled."""
    told = scene["recordings"]
    if told[0]["kind"] != "demonstration":
        return
    n_subgoals = len(SUBGOALS[scene["scene"]["task"]].names)
    held = [numbers["held"][_rows(each)].astype(np.int64) for each in told]
    demonstrated = of_episode(held[0], n_subgoals, gamma)
    for number, each in enumerate(told):
        if each["kind"] in LABELLED:
            yield number, _label(each, held[number], demonstrated, n_subgoals, gamma)


def _label(
    told: dict[str, Any],
    held: Int[np.ndarray, " t"],
    demonstrated: Progress,
    n_subgoals: int,
    gamma: float,
) -> Progress:
    is_whole = told["kind"] in {"demonstration", "rollout"} or (told["kind"] == "fault" and told["success"])
    if is_whole:
        return of_episode(held, n_subgoals, gamma)
    if told["reaches"]:
        return towards(told["reaches"], held, n_subgoals, gamma)
    twin = demonstrated.part(told["start_step"], len(held))
    if told["error_step"] < 0:
        return twin
    stays = told["fault"] == "stall" or told["chunk"] == "hold"
    return after_error(twin, told["error_step"], held, n_subgoals, stays=stays)


def _frames_of(row: dict[str, Any], held: np.ndarray, labels: Progress) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "scene_id": row["scene_id"],
            "recording": row["recording"],
            "frame": np.arange(row["n_frames"]),
            "held": held[_rows(row)],
            "overall": labels.overall,
            "released": labels.released,
        }
    )


def _branches_of(
    head: dict[str, Any], told: list[dict[str, Any]], numbers: dict[str, np.ndarray]
) -> Iterator[dict[str, Any]]:
    """Each branch with its distance from the demonstration: state at its start, hand and thing at its end."""
    for number, each in enumerate(told):
        if each["kind"] != "branch":
            continue
        first, last = _rows(each).start, _rows(each).stop - 1
        twin = told[0]["first_row"] + each["start_step"]
        state, thing_m = numbers["state"], numbers["thing_m"]
        end_gap_m = state[last, TCP] - state[twin + last - first, TCP]
        thing_gap_m = thing_m[last] - thing_m[twin + last - first]
        yield {
            **{key: head[key] for key in ("scene_id", "split", "task")},
            **{key: each[key] for key in ("group", "chunk", "fault", "start_step", "n_frames")},
            "recording": number,
            "start_gap": float(np.abs(state[first] - state[twin]).max()),
            "end_gap_m": float(np.linalg.norm(end_gap_m)),
            "thing_gap_m": float(np.linalg.norm(thing_gap_m)),
        }
