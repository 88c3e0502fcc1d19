"""Figures of the trace report: errors by horizon and phase, differences to the baselines, spread."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mu0.evaluation.traces.held_out import EVERYTHING, MOVING, REFERENCES, TraceBenchmark
from mu0.viewer.phase_figure import write_phase_figure

COLOURS = {"mu0": "#7b2ff7", "mu0_history": "#f72f5b", "static": "#9aa0a6", "constant_velocity": "#5f6368"}
OTHER_COLOUR = "#1a73e8"
DPI = 130


def write_figures(folder: Path, benchmark: TraceBenchmark) -> None:
    """Write all figures as PNG files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _save(folder / "error_by_horizon.png", _error_by_horizon(benchmark))
    _save(folder / "difference_to_baselines.png", _differences(benchmark))
    _save(folder / "error_distribution.png", _distribution(benchmark))
    write_phase_figure(folder, benchmark.by_phase, str, _colour)


def _save(path: Path, figure: Figure) -> None:
    # no date and no version in the file: equal numbers give equal bytes
    figure.savefig(path, dpi=DPI, bbox_inches="tight", metadata={"Software": None})


def _metric(benchmark: TraceBenchmark) -> tuple[str, float, str]:
    """Column, factor and label of the error to draw: centimetres, or uv when no episode has depth."""
    if benchmark.headline()["ade_m"].notna().any():
        return "ade_m", 100.0, "ADE [cm]"
    return "ade_uv", 1.0, "ADE [uv]"


def _error_by_horizon(benchmark: TraceBenchmark) -> Figure:
    key, factor, label = _metric(benchmark)
    points = benchmark.headline()["points"].iloc[0]
    table = benchmark.table[benchmark.table["points"] == points]
    sources = list(dict.fromkeys(table["source"]))
    figure = Figure(figsize=(3.6 * len(sources), 3.2))
    axes = figure.subplots(1, len(sources), sharey=True, squeeze=False)[0]
    for axis, source in zip(axes, sources, strict=True):
        for method in benchmark.methods:
            rows = table[(table["source"] == source) & (table["method"] == method.name)]
            mean = rows[key].to_numpy(float) * factor
            spread = np.abs(np.stack([rows[f"{key}_low"], rows[f"{key}_high"]]).astype(float) * factor - mean)
            axis.errorbar(
                rows["horizon"],
                mean,
                spread,
                label=method.name,
                capsize=3,
                marker="o",
                color=_colour(method.name),
            )
        axis.set(title="all sources" if source == EVERYTHING else source, xlabel="steps of path length")
        axis.set_ylim(bottom=0)
        _plain(axis)
    axes[0].set_ylabel(f"{label}, {points} points")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def _differences(benchmark: TraceBenchmark) -> Figure:
    key, factor, label = _metric(benchmark)
    rows = benchmark.headline_comparisons()
    rows = rows[(rows["metric"] == key) & ~rows["method"].isin(REFERENCES)]
    figure = Figure(figsize=(6, 0.7 + 0.45 * max(len(rows), 1)))
    axis = figure.subplots()
    names = [f"{row['method']} - {row['reference']}" for row in rows.to_dict("records")]
    mean = rows["mean"].to_numpy(float) * factor
    spread = np.abs(np.stack([rows["low"], rows["high"]]).astype(float) * factor - mean)
    axis.errorbar(mean, names, xerr=spread, fmt="o", capsize=4, color=COLOURS["mu0"])
    axis.axvline(0, color="#9aa0a6", linewidth=1)
    axis.set_xlabel(f"difference in {label}; left of zero is better (95 % interval)")
    _plain(axis)
    return figure


def _distribution(benchmark: TraceBenchmark) -> Figure:
    key, factor, label = _metric(benchmark)
    longest = max(benchmark.settings.horizons)
    errors = benchmark.errors[benchmark.errors["horizon"] == longest]
    if benchmark.headline()["points"].iloc[0] == MOVING:
        errors = errors[errors["is_moving"]]
    figure = Figure(figsize=(5, 3.2))
    axis = figure.subplots()
    for method in benchmark.methods:
        values = np.sort(errors.loc[errors["method"] == method.name, key].dropna().to_numpy(float)) * factor
        axis.plot(values, np.linspace(0, 1, len(values)), label=method.name, color=_colour(method.name))
    axis.set(xlabel=label, ylabel="share of keypoints", ylim=(0, 1), xlim=(0, None))
    axis.legend(frameon=False, fontsize=8)
    _plain(axis)
    return figure


def _colour(method: str) -> str:
    return COLOURS.get(method, OTHER_COLOUR)


def _plain(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="both", alpha=0.25)
