"""The folder `reports/warm_up_study`: table (parquet, CSV, Markdown), figure, and a page."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mu0.evaluation.benchmark.methods import label_of
from mu0.evaluation.benchmark.tables import SPACES, TextTable
from mu0.evaluation.warm_up.study import PRETRAINED, SCRATCH
from mu0.params.benchmark import BenchmarkParams
from mu0.viewer.page import picture, table, text, write_page

COLOURS = {PRETRAINED: "#7b2ff7", SCRATCH: "#9aa0a6"}


def write_warm_up_report(folder: Path, rows: pd.DataFrame, benchmark: BenchmarkParams) -> None:
    """Write everything into `folder`, which exists."""
    rows.to_parquet(folder / "table.parquet", index=False)
    rows.to_csv(folder / "table.csv", index=False, float_format="%.6g")
    opening = _opening(benchmark)
    tables = [_table(rows, metric) for metric in _shown(rows)]
    body = "\n\n".join(one.markdown() for one in tables)
    (folder / "table.md").write_text(f"# What a few demonstrations are worth\n\n{opening}\n\n{body}\n")
    figure = folder / "warm_up.png"
    _figure(rows, _shown(rows)[0]).savefig(figure, dpi=130, bbox_inches="tight", metadata={"Software": None})
    parts = [f"<h1>What a few demonstrations are worth</h1><p>{text(opening)}</p>"]
    parts.append(
        picture(figure, "Error on held-out episodes of the target after learning from n of its episodes.")
    )
    parts += [f"<h2>{text(one.title)}</h2>{table(one.header, one.rows)}" for one in tables]
    write_page(folder / "index.html", "Warm-up study of mu0", f"<main>{''.join(parts)}</main>", [])


def _opening(benchmark: BenchmarkParams) -> str:
    how = benchmark.warm_up
    return (
        f"Pretrained for {how.pretrain_steps} steps on {', '.join(how.pretrain_sources)}; then "
        f"{how.steps} steps on n episodes of {how.target_source}, from the pretrained weights and from fresh "
        f"ones; measured on held-out episodes of {how.target_source}, T = {max(benchmark.horizons)}, "
        f"{how.n_draws} draws of episodes pooled. Intervals: 95 %, whole held-out episodes resampled, the "
        f"same draws for all arms."
    )


def _shown(rows: pd.DataFrame) -> list[str]:
    """Metrics in the order of the page: in metres first where there is depth, best of S before top 1."""
    known = [str(metric) for metric, part in rows.groupby("metric", sort=False) if part["mean"].notna().all()]
    return sorted(
        known, key=lambda name: (not name.startswith("min"), not name.endswith("_m"), "DTW" not in name)
    )


def _table(rows: pd.DataFrame, metric: str) -> TextTable:
    space, scale, digits = SPACES[metric.rsplit("_", 1)[-1]]
    cells = []
    for row in rows[rows["metric"] == metric].to_dict("records"):
        mean, low, high = (f"{row[key] * scale:.{digits}f}" for key in ("mean", "low", "high"))
        saved = "–"
        if np.isfinite(row["saved"]):
            saved = f"{row['saved']:+.0%} [{row['saved_low']:+.0%}, {row['saved_high']:+.0%}]"
        start = [label_of(str(row["method"])), str(row["n_demonstrations"]), row["kind"]]
        cells.append([*start, f"{mean} [{low}, {high}]", saved])
    header = ["method", "demonstrations", "start", f"{metric} [{space}]", "saved by pretraining"]
    return TextTable(f"{metric} [{space}]", header, cells)


def _figure(rows: pd.DataFrame, metric: str) -> Figure:
    space, scale, _ = SPACES[metric.rsplit("_", 1)[-1]]
    methods = list(dict.fromkeys(rows["method"]))
    figure = Figure(figsize=(4.2 * len(methods), 3.3))
    axes = figure.subplots(1, len(methods), squeeze=False, sharey=True)[0]
    for axis, method in zip(axes, methods, strict=True):
        for kind, colour in COLOURS.items():
            chosen = (rows["method"] == method) & (rows["metric"] == metric) & (rows["kind"] == kind)
            part = rows[chosen].sort_values("n_demonstrations")
            mean = part["mean"].to_numpy(float) * scale
            ends = np.abs(np.stack([part["low"], part["high"]]).astype(float) * scale - mean)
            axis.errorbar(
                part["n_demonstrations"], mean, ends, marker="o", capsize=3, color=colour, label=kind
            )
        axis.set(title=label_of(method), xlabel="demonstrations of the target")
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(f"{metric} [{space}]")
    axes[0].legend(frameon=False)
    return figure
