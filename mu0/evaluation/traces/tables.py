"""The benchmark in words: a Markdown page with the headline table, the comparisons and the fine print."""

from typing import Any

import numpy as np
import pandas as pd

from mu0.evaluation.traces.held_out import EVERYTHING, MOVING, REFERENCES, TraceBenchmark
from mu0.evaluation.traces.keypoint_errors import column
from mu0.evaluation.traces.phase_tables import (
    GRIPPER_PRINT,
    GRIPPER_TITLE,
    NOTHING,
    TITLE,
    aim_warning,
    approach_warning,
    gripper_cells,
    phase_cells,
    phase_print,
)
from mu0.evaluation.traces.resting import LEAVES_M

CENTIMETRES = 100.0
FINE_PRINT = """\
Errors are means over keypoints; intervals are 95 % bootstrap intervals over whole episodes. *Moving* points
leave their anchor by more than {threshold} in uv (2 is the image width) within the window. Steps are steps
of path length, not of time. Best of {n} is the minimum over samples for each keypoint and metric on its
own, as in the official evaluation; the baselines have one future only. `uvz` mixes image units and metres
(official, kept for comparison); metres are measured after unprojection. `mu0` sees no past, `mu0_history`
and `constant_velocity` do. Latency is the median time of one question with all its samples, on this
machine."""

NOTHING_SIMULATED = "No held-out episode was simulated, so nobody knows where its gripper is."
RESTING_PRINT = (
    "The same moments, asked about moving and resting keypoints together. False motion: the median distance "
    "that a resting keypoint gets from its place in the first future, at its farthest step. AUROC: moving "
    "against resting keypoints, by P(moves) or, without it, by how far in the image a method lets them go."
)


def markdown(benchmark: TraceBenchmark) -> str:
    """The page `table.md`."""
    settings = benchmark.settings
    headline = benchmark.headline()
    n_keypoints, n_episodes = headline[["n_keypoints", "n_episodes"]].max()
    parts = [
        "# Held-out traces: μ0 and its baselines",
        f"{n_keypoints} {headline['points'].iloc[0]} keypoints of {n_episodes} episodes that no method "
        f"has seen, {max(settings.horizons)} steps ahead.",
        _headline_table(benchmark, headline),
        f"## {TITLE}",
        phase_markdown(benchmark),
        f"## {GRIPPER_TITLE}",
        gripper_markdown(benchmark),
        "## Difference to the baselines (negative is better)",
        _comparison_table(benchmark),
        "## What rests",
        resting_markdown(benchmark.resting),
        "## By source and horizon",
        _detail_table(benchmark),
        FINE_PRINT.format(threshold=settings.moving_threshold_uv, n=settings.n_samples),
    ]
    return "\n\n".join(parts) + "\n"


def _headline_table(benchmark: TraceBenchmark, headline: pd.DataFrame) -> str:
    n = benchmark.settings.n_samples
    best_m, best_uv = column("ade", "m", n), column("ade", "uv", n)
    header = ["method", "ADE [cm]", "FDE [cm]", "ADE uv", "FDE uv", f"best of {n}: ADE [cm]", "ADE uv",
              "latency [ms]", "parameters"]  # fmt: skip
    rows = [
        [
            row["method"],
            _with_interval(row, "ade_m", CENTIMETRES, 1),
            _with_interval(row, "fde_m", CENTIMETRES, 1),
            _with_interval(row, "ade_uv", 1.0, 3),
            _with_interval(row, "fde_uv", 1.0, 3),
            f"{row[best_m] * CENTIMETRES:.1f}",
            f"{row[best_uv]:.3f}",
            f"{row['latency_s'] * 1000:.1f}",
            f"{row['n_parameters']:,}",
        ]
        for row in headline.to_dict("records")
    ]
    return _table(header, rows)


def _comparison_table(benchmark: TraceBenchmark) -> str:
    rows = []
    for row in benchmark.headline_comparisons().to_dict("records"):
        if row["method"] in REFERENCES:
            continue
        scale, unit, digits = (CENTIMETRES, " cm", 1) if row["metric"].endswith("_m") else (1.0, "", 3)
        low, mean, high = (row[key] * scale for key in ("low", "mean", "high"))
        certain = "yes" if high < 0 else "no"
        interval = f"{mean:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]{unit}"
        rows.append([row["method"], row["reference"], row["metric"], interval, certain])
    return _table(["method", "against", "metric", "difference", "better for sure"], rows)


def phase_markdown(benchmark: TraceBenchmark) -> str:
    """Errors by phase and entity."""
    n = benchmark.settings.n_samples
    header, rows = phase_cells(benchmark.by_phase, n, str)
    if not rows:
        return NOTHING
    warning = approach_warning(benchmark.by_phase)
    return "\n\n".join([_table(header, rows), *([warning] if warning else []), phase_print(n)])


def gripper_markdown(benchmark: TraceBenchmark) -> str:
    """Where the path of the gripper leads when nothing else is asked about."""
    header, rows = gripper_cells(benchmark.gripper, str)
    if not rows:
        return NOTHING_SIMULATED
    warning = aim_warning(benchmark.gripper)
    return "\n\n".join([_table(header, rows), *([warning] if warning else []), GRIPPER_PRINT])


def resting_markdown(resting: pd.DataFrame) -> str:
    """What methods do with keypoints that rest, and how well they know which move."""
    if not len(resting):
        return "No held-out episode holds resting points: extract again to measure false motion."
    header = ["method", "source", "resting", "moving", "false motion [cm]",
              f"beyond {CENTIMETRES * LEAVES_M:g} cm", "AUROC of *moves*", "by",
              "calibration error"]  # fmt: skip
    rows = [
        [
            row["method"], row["source"], str(row["n_resting"]), str(row["n_moving"]),
            number(row["false_motion_m"], CENTIMETRES, ".1f"), number(row["false_motion_share"], 1.0, ".1%"),
            number(row["moves_auroc"], 1.0, ".3f"), "P(moves)" if row["says"] else "displacement",
            number(row["moves_ece"], 1.0, ".3f"),
        ]
        for row in resting.to_dict("records")
    ]  # fmt: skip
    return f"{_table(header, rows)}\n\n{RESTING_PRINT}"


def number(value: float, scale: float, form: str) -> str:
    """A number for people; a dash where there is none."""
    return f"{value * scale:{form}}" if np.isfinite(value) else "–"


def _detail_table(benchmark: TraceBenchmark) -> str:
    n = benchmark.settings.n_samples
    names = ["ade_uv", "fde_uv", "dtw_uv", "frechet_uv", column("ade", "uv", n), "ade_m", "fde_m",
             column("ade", "m", n)]  # fmt: skip
    chosen = benchmark.table[benchmark.table["points"].isin([MOVING, EVERYTHING])]
    rows = [
        [row["source"], row["points"], str(row["horizon"]), row["method"], str(row["n_keypoints"])]
        + [f"{row[name]:.4f}" for name in names]
        for row in chosen.to_dict("records")
    ]
    return _table(["source", "points", "steps", "method", "keypoints", *names], rows)


def _with_interval(row: dict[Any, Any], key: str, scale: float, digits: int) -> str:
    mean, low, high = (row[name] * scale for name in (key, f"{key}_low", f"{key}_high"))
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
