"""A small bar figure of errors by phase and entity, for the trace report and the benchmark."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mu0.evaluation.phases.names import PHASES
from mu0.evaluation.traces.by_phase import shown_rows

DPI = 130
NAME = "error_by_phase.png"
WIDTH = 0.8


def write_phase_figure(
    folder: Path, table: pd.DataFrame, label: Callable[[str], str], colour: Callable[[str], str]
) -> Path | None:
    """Write `error_by_phase.png`: one panel per entity that moves, bars of all methods in each phase.

    Args:
        folder: Exists.
        table: Of `mu0.evaluation.traces.by_phase.phase_table`.
        label: Name of a method for people.
        colour: Of a method.

    Returns:
        The picture; None where nothing has a phase.
    """
    shown = shown_rows(table)
    shown = shown[shown["entity"] != "rest"]
    if not len(shown):
        return None
    metric, scale, unit = ("ade_m", 100.0, "cm") if shown["ade_m"].notna().any() else ("ade_uv", 1.0, "uv")
    methods = list(dict.fromkeys(shown["method"]))
    entities = list(dict.fromkeys(shown["entity"]))
    figure = Figure(figsize=(0.6 + max(2.6, 1.2 + 0.24 * len(methods)) * len(entities), 2.8))
    axes = figure.subplots(1, len(entities), sharey=True, squeeze=False)[0]
    for axis, entity in zip(axes, entities, strict=True):
        rows = shown[shown["entity"] == entity].set_index(["method", "phase"])
        for number, method in enumerate(methods):
            own = rows.reindex([(method, phase) for phase in PHASES])
            mean, low, high = (own[f"{metric}{end}"].to_numpy(float) * scale for end in ("", "_low", "_high"))
            place = np.arange(len(PHASES)) + (number - (len(methods) - 1) / 2) * WIDTH / len(methods)
            width = 0.9 * WIDTH / len(methods)
            axis.bar(place, np.nan_to_num(mean), width=width, color=colour(method), label=label(method))
            spread = np.nan_to_num(np.abs(np.stack([low, high]) - mean))
            axis.errorbar(place, mean, spread, fmt="none", ecolor="#202124", capsize=1.5, linewidth=0.8)
        axis.set_xticks(range(len(PHASES)), PHASES, fontsize=8)
        axis.set_title(entity, fontsize=9)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", alpha=0.25)
        axis.set_axisbelow(True)
    axes[0].set_ylabel(f"ADE [{unit}]")
    axes[-1].legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    path = folder / NAME
    figure.savefig(path, dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    return path
