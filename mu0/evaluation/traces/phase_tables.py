"""Errors by phase and entity in words: one row per phase and entity, one column per method."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from mu0.evaluation.traces.by_phase import BASELINES, EVERYTHING, shown_rows
from mu0.evaluation.traces.keypoint_errors import column

CENTIMETRES = 100.0
GRASP_M = 0.03  # a path that ends farther from the grasp is no use to a controller
TITLE = "By phase and entity"
NOTHING = "No held-out moment has a known phase: simulated clips and captions tell of it."
GRIPPER_TITLE = "The gripper, asked about alone"
GRIPPER_PRINT = (
    "Up to ten points of the gripper or hand and none of the target, so that the question does not tell "
    "which thing is meant. Distance along the table of the lowest point of its path (mean of the futures) "
    "from where the hand closes or opens next, with its 95 % interval over episodes; then how much higher it "
    "is, and the path's ADE. Noise of 1.5 cm per axis at the grasp halves what a controller without learning "
    "solves."
)
LABELS = {"mu0": "μ0", "mu0_history": "μ0, with the past", "constant_velocity": "constant velocity"}


def report_tables(by_phase: pd.DataFrame, gripper: pd.DataFrame, n_samples: int) -> list[dict[str, Any]]:
    """Both tables with their words as plain values, for pages that read a report; those without rows not."""

    def label(name: str) -> str:
        return LABELS.get(name, name)

    tables = (
        (TITLE, phase_print(n_samples), *phase_cells(by_phase, n_samples, label), approach_warning(by_phase)),
        (GRIPPER_TITLE, GRIPPER_PRINT, *gripper_cells(gripper, label), aim_warning(gripper)),
    )
    keys = ("title", "note", "header", "rows", "warning")
    return [dict(zip(keys, one, strict=True)) for one in tables if one[3]]


def phase_print(n_samples: int) -> str:
    """What the table says."""
    best = f", in brackets the best-of-{n_samples} ADE / DTW" if n_samples > 1 else ""
    return (
        f"ADE of the first future with its 95 % interval over episodes{best}. Approach: an empty hand is "
        "farther than 6 cm along the table from where it closes; hover: from there until it holds the thing; "
        "carry; place: setting down and letting go. Whose point it is, the simulator knows; without it "
        "skills of the captions and groups of the extraction tell, which is a guess. Resting points are "
        "asked among moving ones, one future each; standing still is right about them by definition."
    )


def phase_cells(
    table: pd.DataFrame, n_samples: int, label: Callable[[str], str]
) -> tuple[list[str], list[list[str]]]:
    """Header and rows of finished text; no rows where nothing has a phase."""
    shown = shown_rows(table)
    if not len(shown):
        return [], []
    space, scale, digits = ("m", CENTIMETRES, 1) if shown["ade_m"].notna().any() else ("uv", 1.0, 3)
    unit = "cm" if space == "m" else "uv"
    methods = list(dict.fromkeys(shown["method"]))
    header = ["phase", "entity", "keypoints", "episodes", *(f"{label(name)} [{unit}]" for name in methods)]
    told = set(shown["known_by"]) != {"simulator"}
    header += ["known by"] if told else []
    rows = []
    for (phase, entity), group in shown.groupby(["phase", "entity"], sort=False):
        by_method: dict[str, dict[Any, Any]] = {row["method"]: row for row in group.to_dict("records")}
        first = next(iter(by_method.values()))
        cells = [str(phase), str(entity), str(first["n_keypoints"]), str(first["n_episodes"])]
        for name in methods:
            row = by_method.get(name)
            cells.append("–" if row is None else _cell(row, space, scale, digits, n_samples))
        rows.append([*cells, *([str(first["known_by"])] if told else [])])
    return header, rows


def gripper_cells(table: pd.DataFrame, label: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    """Header and rows about the gripper asked alone; no rows where nothing was asked."""
    shown = table[table["source"] == EVERYTHING]
    if not len(shown):
        return [], []
    methods = list(dict.fromkeys(shown["method"]))
    header = ["phase", "aims at", "moments", "episodes", *(f"{label(name)} [cm]" for name in methods)]
    rows = []
    for phase, group in shown.groupby("phase", sort=False):
        by_method: dict[str, dict[Any, Any]] = {row["method"]: row for row in group.to_dict("records")}
        first = next(iter(by_method.values()))
        goal = "grasp" if phase in ("approach", "hover") else "release"
        cells = [str(phase), goal, str(first["n_moments"]), str(first["n_episodes"])]
        rows.append([*cells, *(_aim(by_method[name]) if name in by_method else "–" for name in methods)])
    return header, rows


def _aim(row: dict[Any, Any]) -> str:
    xy, low, high = (row[f"aim_xy_m{end}"] * CENTIMETRES for end in ("", "_low", "_high"))
    height, path = row["aim_height_m"] * CENTIMETRES, row["path_ade_m"] * CENTIMETRES
    return f"{xy:.1f} [{low:.1f}, {high:.1f}], {height:+.1f} (path {path:.1f})"


def _cell(row: dict[Any, Any], space: str, scale: float, digits: int, n_samples: int) -> str:
    ade = f"ade_{space}"
    if not np.isfinite(row[ade]):
        return "–"
    mean, low, high = (f"{row[f'{ade}{end}'] * scale:.{digits}f}" for end in ("", "_low", "_high"))
    best = [row[column(metric, space, n_samples)] for metric in ("ade", "dtw")]
    if n_samples == 1 or row["method"] in BASELINES or not np.isfinite(best).all():
        return f"{mean} [{low}, {high}]"
    return f"{mean} [{low}, {high}] ({' / '.join(f'{value * scale:.{digits}f}' for value in best)})"


def approach_warning(table: pd.DataFrame, method: str = "mu0") -> str:
    """One sentence where a method does not beat standing still at the gripper before the grasp, for sure."""
    shown = shown_rows(table)
    if not len(shown):
        return ""
    at = (shown["method"] == method) & (shown["phase"] == "approach") & (shown["entity"] == "gripper")
    for row in shown[at].to_dict("records"):
        low, mean, high = (row[f"minus_static_ade_m{end}"] * CENTIMETRES for end in ("_low", "", "_high"))
        if np.isfinite(mean) and not high < 0:
            return (
                "Warning: in the approach the gripper's error minus that of standing still is "
                f"{mean:+.1f} cm [{low:+.1f}, {high:+.1f}]: not better for sure."
            )
    return ""


def aim_warning(gripper: pd.DataFrame, method: str = "mu0") -> str:
    """One sentence where a method's path of the gripper ends beside the grasp."""
    at = (gripper["method"] == method) & (gripper["source"] == EVERYTHING) & (gripper["phase"] == "approach")
    for row in gripper[at].to_dict("records"):
        if row["aim_xy_m"] > GRASP_M:
            return (
                f"Warning: in the approach the path ends {row['aim_xy_m'] * CENTIMETRES:.1f} cm beside the "
                f"grasp; {GRASP_M * CENTIMETRES:g} cm are wanted."
            )
    return ""
