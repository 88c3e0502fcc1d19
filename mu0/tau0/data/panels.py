"""A picture of a group of branches: what was done from one moment, side by side, and what it was worth.

One row per branch with both cameras at some frames, its progress beside it. The first column is one moment,
seen as often as there are branches.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mu0.envs.ur3.arm_world import CONTROL_HZ
from mu0.errors import DatasetError
from mu0.tau0.data.collect import read_tables
from mu0.tau0.data.scene_files import scene_pictures
from mu0.tau0.data.tables import Tables

SHOWN_FRAMES = 5
INCHES = 1.5  # height of a row
PAIR, CURVES = 1.3, 2.0  # width of a pair of pictures and of the curves, in such heights
DPI = 110


def groups_of(tables: Tables) -> pd.DataFrame:
    """The groups in order: scene_id, split, task, group and its start step."""
    columns = ["scene_id", "split", "task", "group", "start_step"]
    return tables.branches[columns].drop_duplicates(["scene_id", "group"]).reset_index(drop=True)


def draw_group(folder: Path, number: int, goal: Path) -> dict[str, Any]:
    """Draw a group of branches.

    Args:
        folder: That the stage tau0_data wrote.
        number: Of the group, from 0, in the order of `groups_of`.
        goal: A .png or .jpg.

    Returns:
        Facts of the group: scene_id, split, task, start_s, and how far each branch ends from the
        demonstrated one [cm], hand and thing.

    Raises:
        DatasetError: There is no such group.
    """
    tables = read_tables(folder)
    groups = groups_of(tables)
    if not 0 <= number < len(groups):
        raise DatasetError(
            f"There is no group {number} in {folder}.",
            expected=f"one of its {len(groups)} groups, from 0" if len(groups) else "recorded branches",
            remedy="choose another one, or ask for more in tau0_data.groups_per_scene of params.yaml.",
        )
    chosen = groups.iloc[number]
    is_member = (tables.branches["scene_id"] == chosen["scene_id"]) & (
        tables.branches["group"] == chosen["group"]
    )
    branches = tables.branches[is_member]
    _draw(folder / "scenes" / str(chosen["scene_id"]), branches, tables, goal)
    return {
        **{key: chosen[key] for key in ("scene_id", "split", "task")},
        "start_s": chosen["start_step"] / CONTROL_HZ,
        "end_gap_cm": {
            str(row["chunk"]): (100 * row["end_gap_m"], 100 * row["thing_gap_m"])
            for row in branches.to_dict("records")
        },
    }


def _draw(scene: Path, branches: pd.DataFrame, tables: Tables, goal: Path) -> None:
    from matplotlib.figure import Figure

    front, wrist = scene_pictures(scene, "front"), scene_pictures(scene, "wrist")
    columns = SHOWN_FRAMES + 1
    ratios = [PAIR] * SHOWN_FRAMES + [CURVES]
    figure = Figure(figsize=(INCHES * sum(ratios), INCHES * len(branches)), dpi=DPI)
    axes = figure.subplots(len(branches), columns, squeeze=False, width_ratios=ratios)
    for row, branch in zip(axes, branches.to_dict("records"), strict=True):
        told = _recording(tables, branch)
        shown = np.linspace(0, told["n_frames"] - 1, SHOWN_FRAMES).round().astype(int)
        for axis, frame in zip(row[:-1], shown, strict=True):
            at = told["first_row"] + frame
            axis.imshow(_side_by_side(front[at], wrist[at]))
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(f"{frame / CONTROL_HZ:.1f} s", fontsize=7)
        fault = f": {branch['fault']}" if branch["fault"] else ""
        row[0].set_ylabel(f"{branch['chunk']}{fault}", fontsize=8)
        _draw_progress(row[-1], tables, branch)
    axes[0, -1].legend(fontsize=5, loc="lower right", frameon=False)
    figure.tight_layout()
    metadata = {"Software": None} if goal.suffix == ".png" else None  # whose version would change the bytes
    figure.savefig(goal, format=goal.suffix.removeprefix("."), metadata=metadata)


def _draw_progress(axis: Any, tables: Tables, branch: Mapping[Any, Any]) -> None:
    frames = tables.frames
    is_its = (frames["scene_id"] == branch["scene_id"]) & (frames["recording"] == branch["recording"])
    own = frames[is_its]
    axis.plot(own["frame"] / CONTROL_HZ, own["overall"], color="tab:blue", label="overall")
    axis.plot(own["frame"] / CONTROL_HZ, own["released"], color="tab:orange", linewidth=0.8, label="released")
    axis.set_ylim(-1.08, 1.08)
    axis.axhline(0, color="0.8", linewidth=0.6)
    axis.tick_params(labelsize=6)
    axis.set_xlabel("progress over time [s]", fontsize=6)


def _recording(tables: Tables, branch: Mapping[Any, Any]) -> dict[str, Any]:
    rows = tables.recordings
    is_its = (rows["scene_id"] == branch["scene_id"]) & (rows["recording"] == branch["recording"])
    return dict(rows[is_its].iloc[0])


def _side_by_side(front: np.ndarray, wrist: np.ndarray) -> np.ndarray:
    """Both pictures, the smaller one on black beside the other."""
    height_px = max(len(front), len(wrist))
    padded = [np.pad(each, ((0, height_px - len(each)), (0, 0), (0, 0))) for each in (front, wrist)]
    return np.concatenate(padded, axis=1)
