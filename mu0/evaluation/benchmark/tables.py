"""The trace benchmark in words and columns: one table like the paper's, and what stands behind it.

The same cells become Markdown (`table.md`), the page's HTML and, in full and as numbers, `table.csv`.
"""

from dataclasses import dataclass
from typing import Any

from mu0.evaluation.benchmark.comparison import HELD_OUT, REFERENCE, MethodBenchmark
from mu0.evaluation.benchmark.methods import METHODS, label_of
from mu0.evaluation.traces.held_out import EVERYTHING, MOVING
from mu0.evaluation.traces.keypoint_errors import column
from mu0.evaluation.traces.metrics import METRICS
from mu0.evaluation.traces.phase_tables import (
    GRIPPER_PRINT,
    GRIPPER_TITLE,
    TITLE,
    gripper_cells,
    phase_cells,
    phase_print,
)
from mu0.evaluation.traces.resting import LEAVES_M
from mu0.evaluation.traces.tables import number

CENTIMETRES = 100.0
SPACES = {"uv": ("2D, uv", 1.0, 3), "uvz": ("3D, official uvz", 1.0, 3), "m": ("3D, cm", CENTIMETRES, 2)}
SPLIT_LABELS = {
    HELD_OUT: "held-out episodes",
    "unseen_objects": "unseen objects",
    "unseen_camera": "unseen camera motion",
}
TITLES = {"ade": "ADE", "fde": "FDE", "dtw": "DTW", "frechet": "Fréchet"}
FINE_PRINT = (
    "Errors are means over keypoints; DTW is divided by the number of steps. T counts steps of path length, "
    "not of time. Best of {n}: the smallest error of {n} futures, for each keypoint and metric on its own, "
    "as in the official evaluation; top 1: the first future. uv: 2 is the image's width; uvz mixes image "
    "units and metres (official); cm: after unprojection with the camera. Intervals: 95 %, {r} draws of "
    "whole episodes, the same draws for all methods. All methods were trained on the same episodes for the "
    "same time on the same machine; latency is the median of one question with {n} futures, without batching."
)


@dataclass(frozen=True)
class TextTable:
    """A heading, a header and rows of finished text."""

    title: str
    header: list[str]
    rows: list[list[str]]

    def markdown(self) -> str:
        """Heading and table in Markdown."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return f"## {self.title}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def all_tables(benchmark: MethodBenchmark) -> list[TextTable]:
    """Every table of the report, the headline first."""
    spaces = [space for space in SPACES if benchmark.table[column("dtw", space)].notna().any()]
    return [
        headline_table(benchmark),
        *(one for one in (phase_table(benchmark), gripper_table(benchmark)) if one.rows),
        comparison_table(benchmark),
        *(space_table(benchmark, space) for space in spaces),
        split_table(benchmark, EVERYTHING),
        split_table(benchmark, MOVING),
        *([resting_table(benchmark)] if len(benchmark.resting) else []),
        legend(benchmark),
    ]


def markdown(benchmark: MethodBenchmark) -> str:
    """The page `table.md`."""
    parts = ["# The trace benchmark", opening(benchmark)]
    parts += [table.markdown() for table in all_tables(benchmark)]
    return "\n\n".join([*parts, fine_print(benchmark)]) + "\n"


def opening(benchmark: MethodBenchmark) -> str:
    """One sentence about the size of the benchmark."""
    sizes = []
    for split in benchmark.splits:
        row = benchmark.rows(split).iloc[0]
        sizes.append(f"{split_label(split)}: {row['n_keypoints']} keypoints of {row['n_episodes']} episodes")
    return f"{len(benchmark.answers)} methods. " + "; ".join(sizes) + "."


def fine_print(benchmark: MethodBenchmark) -> str:
    """What the numbers mean."""
    settings = benchmark.settings
    words = FINE_PRINT.format(n=settings.n_samples, r=settings.n_resamples)
    by_phase = f" {TITLE}: {phase_print(settings.n_samples)}" if phase_table(benchmark).rows else ""
    gripper = f" {GRIPPER_TITLE}: {GRIPPER_PRINT}" if len(benchmark.gripper) else ""
    return words + by_phase + gripper


def headline_table(benchmark: MethodBenchmark) -> TextTable:
    """Best-of-S DTW in 2D and 3D at every horizon, and what it costs."""
    n, horizons = benchmark.settings.n_samples, benchmark.settings.horizons
    spaces = [name for name in ("uv", "m") if benchmark.table[column("dtw", name)].notna().any()]
    header = ["method"] + [f"{SPACES[space][0]}, T = {h}" for space in spaces for h in horizons]
    facts = {one.name: one.facts for one in benchmark.answers}
    rows = []
    for place, name in enumerate(facts):
        cells = [label_of(name)]
        for space in spaces:
            for horizon in horizons:
                row = benchmark.rows(horizon=horizon).iloc[place].to_dict()
                cells.append(_number(row[column("dtw", space, n)], space))
        row = benchmark.rows().iloc[place].to_dict()
        cells += [f"{row['latency_s'] * 1000:.1f}", f"{row['n_parameters']:,}"]
        trained = [facts[name].get(fact) for fact in ("steps", "trained_s")]
        rows.append([*cells, *("–" if fact is None else f"{fact:,.0f}" for fact in trained)])
    header += ["latency [ms]", "parameters", "steps", "trained [s]"]
    return TextTable(f"DTW, best of {n}, held-out episodes", header, rows)


def comparison_table(benchmark: MethodBenchmark) -> TextTable:
    """Paired differences to μ0 in the headline column."""
    metric = benchmark.headline
    space = metric.rsplit("_", 1)[-1]
    name, scale, digits = SPACES[space]
    rows = []
    for split in benchmark.splits:
        for row in benchmark.compared(metric, split).to_dict("records"):
            values = [row[f"difference{end}"] * scale for end in ("", "_low", "_high")]
            shares = [row[f"saved{end}"] for end in ("", "_low", "_high")]
            rows.append([
                split_label(split), label_of(str(row["method"])),
                f"{values[0]:+.{digits}f} [{values[1]:+.{digits}f}, {values[2]:+.{digits}f}]",
                f"{shares[0]:+.0%} [{shares[1]:+.0%}, {shares[2]:+.0%}]", _verdict(values[1], values[2]),
            ])  # fmt: skip
    longest = max(benchmark.settings.horizons)
    title = f"Against {label_of(REFERENCE)}: {metric}, T = {longest}, paired"
    return TextTable(
        title,
        ["split", "method", f"method − μ0 [{name}]", "share of the error that μ0 saves", "better"],
        rows,
    )


def space_table(benchmark: MethodBenchmark, space: str) -> TextTable:
    """All four metrics at all horizons: best of S, and the first future in brackets."""
    n, horizons = benchmark.settings.n_samples, benchmark.settings.horizons
    header = ["method"] + [f"T={h} {TITLES[metric]}" for h in horizons for metric in METRICS]
    rows = []
    for place, one in enumerate(benchmark.answers):
        cells = [label_of(one.name)]
        for horizon in horizons:
            row = benchmark.rows(horizon=horizon).iloc[place].to_dict()
            for metric in METRICS:
                best, first = row[column(metric, space, n)], row[column(metric, space)]
                cells.append(f"{_number(best, space)} ({_number(first, space)})")
        rows.append(cells)
    return TextTable(f"{SPACES[space][0]}: best of {n} (top 1), held-out episodes", header, rows)


def split_table(benchmark: MethodBenchmark, points: str) -> TextTable:
    """The headline column in every split, with intervals."""
    metric = benchmark.headline
    space = metric.rsplit("_", 1)[-1]
    rows = []
    for place, one in enumerate(benchmark.answers):
        cells = [label_of(one.name)]
        for split in benchmark.splits:
            part = benchmark.rows(split, points)
            cells.append(_with_interval(part.iloc[place].to_dict(), metric, space) if len(part) else "–")
        rows.append(cells)
    title = f"By split: {metric}, T = {max(benchmark.settings.horizons)}, {points} points"
    return TextTable(title, ["method", *map(split_label, benchmark.splits)], rows)


def phase_table(benchmark: MethodBenchmark) -> TextTable:
    """Errors by phase and entity on held-out episodes."""
    header, rows = phase_cells(benchmark.by_phase, benchmark.settings.n_samples, label_of)
    return TextTable(f"{TITLE}, held-out episodes", header, rows)


def gripper_table(benchmark: MethodBenchmark) -> TextTable:
    """Where the path of the gripper leads when nothing else is asked about."""
    return TextTable(f"{GRIPPER_TITLE}, held-out episodes", *gripper_cells(benchmark.gripper, label_of))


def resting_table(benchmark: MethodBenchmark) -> TextTable:
    """False motion of keypoints that rest, and who tells them from moving ones."""
    pooled = benchmark.resting[benchmark.resting["source"] == EVERYTHING]
    rows = [
        [
            label_of(str(row["method"])),
            number(row["false_motion_m"], CENTIMETRES, ".1f"),
            number(row["false_motion_share"], 1.0, ".1%"),
            number(row["moves_auroc"], 1.0, ".3f"),
            "P(moves)" if row["says"] else "displacement",
            number(row["moves_ece"], 1.0, ".3f"),
        ]
        for row in pooled.to_dict("records")
    ]
    counts = pooled.iloc[0]
    beyond = f"beyond {CENTIMETRES * LEAVES_M:g} cm"
    return TextTable(
        f"What rests: {counts['n_resting']} resting and {counts['n_moving']} moving keypoints",
        ["method", "false motion, median [cm]", beyond, "AUROC of moves", "by", "calibration error"],
        rows,
    )


def legend(benchmark: MethodBenchmark) -> TextTable:
    """What each method is."""
    rows = []
    for one in benchmark.answers:
        spec = METHODS.get(one.name)
        sees = "yes" if one.facts["sees_history"] else "no"
        rows.append([label_of(one.name), spec.note if spec else "", sees])
    return TextTable("Methods", ["method", "what it is", "sees the past"], rows)


def split_label(split: str) -> str:
    """The name of a split for people."""
    return SPLIT_LABELS.get(split, split)


def _number(value: float, space: str) -> str:
    _, scale, digits = SPACES[space]
    return f"{value * scale:.{digits}f}"


def _with_interval(row: dict[Any, Any], metric: str, space: str) -> str:
    mean, low, high = (_number(row[f"{metric}{end}"], space) for end in ("", "_low", "_high"))
    return f"{mean} [{low}, {high}]"


def _verdict(low: float, high: float) -> str:
    if low > 0:
        return "μ0"
    return "the method" if high < 0 else "undecided"
