"""Figures of the trace benchmark: methods, horizons, splits, and error against time."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mu0.evaluation.benchmark.comparison import HELD_OUT, REFERENCE, MethodBenchmark
from mu0.evaluation.benchmark.methods import label_of
from mu0.evaluation.benchmark.tables import SPACES, split_label
from mu0.viewer.phase_figure import write_phase_figure

DPI = 130
VIOLET, GREY = "#7b2ff7", "#9aa0a6"
COLOURS = (
    "#c61aff", "#1a73e8", "#e8710a", "#188038", "#c5221f", "#12b5cb", "#b06000", "#e52592", "#7cb342",
    "#5f6368", "#9aa0a6",
)  # fmt: skip
LESS_PER_ROW = 0.34


def write_method_figures(folder: Path, benchmark: MethodBenchmark) -> list[Path]:
    """Write all figures as PNG files into `folder`; returns them in the order of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "methods": _methods(benchmark),
        "horizons": _horizons(benchmark),
        "splits": _splits(benchmark),
        "error_and_time": _error_and_time(benchmark),
    }
    paths = []
    for name, figure in figures.items():
        paths.append(folder / f"{name}.png")
        figure.savefig(paths[-1], dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    by_phase = write_phase_figure(folder, benchmark.by_phase, label_of, _colours(benchmark).__getitem__)
    return [*paths, *([by_phase] if by_phase else [])]


def _colours(benchmark: MethodBenchmark) -> dict[str, str]:
    others = [one.name for one in benchmark.answers if one.name != REFERENCE]
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(others)}
    return {REFERENCE: VIOLET} | colours


def _unit(benchmark: MethodBenchmark) -> tuple[str, float, str]:
    """Column, factor and label of the headline."""
    metric = benchmark.headline
    name, scale, _ = SPACES[metric.rsplit("_", 1)[-1]]
    return metric, scale, f"{metric.split('_')[0]} of {benchmark.settings.n_samples} [{name}]"


def _methods(benchmark: MethodBenchmark) -> Figure:
    metric, scale, label = _unit(benchmark)
    rows = benchmark.rows().sort_values(metric, ascending=False)
    figure = Figure(figsize=(6.4, 0.9 + LESS_PER_ROW * len(rows)))
    axis = figure.subplots()
    mean = rows[metric].to_numpy(float) * scale
    ends = np.stack([rows[f"{metric}_low"], rows[f"{metric}_high"]]).astype(float) * scale
    colours = [VIOLET if name == REFERENCE else GREY for name in rows["method"]]
    axis.barh(range(len(rows)), mean, color=colours, height=0.62)
    axis.errorbar(mean, range(len(rows)), xerr=np.abs(ends - mean), fmt="none", ecolor="#202124", capsize=3)
    axis.set_yticks(range(len(rows)), [label_of(name) for name in rows["method"]])
    axis.set_xlabel(f"{label}, T = {max(benchmark.settings.horizons)}, held-out episodes; lower is better")
    _plain(axis)
    return figure


def _horizons(benchmark: MethodBenchmark) -> Figure:
    metric, scale, label = _unit(benchmark)
    uv = metric.rsplit("_", 1)[0] + "_uv"
    columns = {metric: (scale, label)} | (
        {uv: (1.0, label.split(" [")[0] + " [2D, uv]")} if uv != metric else {}
    )
    figure = Figure(figsize=(4.6 * len(columns), 3.6))
    table = benchmark.table[(benchmark.table["split"] == HELD_OUT) & (benchmark.table["points"] == "all")]
    axes = figure.subplots(1, len(columns), squeeze=False)[0]
    for axis, (name, (factor, title)) in zip(axes, columns.items(), strict=True):
        for method, colour in _colours(benchmark).items():
            rows = table[table["method"] == method]
            axis.plot(rows["horizon"], rows[name] * factor, marker="o", color=colour, label=label_of(method))
        axis.set(xlabel="T, steps of path length", ylabel=title)
        axis.set_xticks(benchmark.settings.horizons)
        axis.set_ylim(bottom=0)
        _plain(axis)
    axes[-1].legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    return figure


def _splits(benchmark: MethodBenchmark) -> Figure:
    metric, scale, label = _unit(benchmark)
    splits, colours = benchmark.splits, _colours(benchmark)
    figure = Figure(figsize=(1.9 * len(splits) + 1.5, 3.6))
    axis = figure.subplots()
    for place, (method, colour) in enumerate(colours.items()):
        shift = (place - (len(colours) - 1) / 2) * 0.7 / len(colours)
        for number, split in enumerate(splits):
            rows = benchmark.rows(split)
            row = rows[rows["method"] == method].iloc[0]
            mean = row[metric] * scale
            ends = np.array([[mean - row[f"{metric}_low"] * scale], [row[f"{metric}_high"] * scale - mean]])
            name = label_of(method) if number == 0 else None
            axis.errorbar([number + shift], [mean], ends, fmt="o", ms=4, capsize=2, color=colour, label=name)
    axis.set_xticks(range(len(splits)), [split_label(split) for split in splits], fontsize=8)
    axis.set_ylabel(label)
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    _plain(axis)
    return figure


def _error_and_time(benchmark: MethodBenchmark) -> Figure:
    metric, scale, label = _unit(benchmark)
    rows = benchmark.rows()
    figure = Figure(figsize=(6.0, 3.8))
    axis = figure.subplots()
    for method, colour in _colours(benchmark).items():
        row = rows[rows["method"] == method].iloc[0]
        place = row["latency_s"] * 1000, row[metric] * scale
        axis.scatter(*place, s=46, color=colour, label=label_of(method))
    axis.set_xscale("log")
    axis.set(xlabel="time of one question with all futures [ms]", ylabel=label)
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    _plain(axis)
    return figure


def _plain(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="both", alpha=0.25)
    axis.set_axisbelow(True)
