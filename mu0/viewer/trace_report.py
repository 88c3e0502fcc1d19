"""The folder `reports/trace_report`: tables for programs, a page for people, figures, overlays, scenes.

table.parquet        means per method, source, points and horizon, with intervals
comparisons.parquet  paired differences to the baselines, with intervals
resting.parquet      false motion of keypoints that rest, and AUROC of P(moves), per method and source
by_phase.parquet     errors by method, source, phase, entity and horizon, with intervals
gripper.parquet      errors of the gripper's path, asked about alone, by method, source and phase
per_sample.parquet   mean errors of the keypoints of each question
table.md             the headline in Markdown
summary.json         headline numbers, official keys per horizon, what was asked
figures/ overlays/ scenes/
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mu0.dataset.evaluation import EvaluationSample
from mu0.evaluation.traces.by_phase import shown_rows
from mu0.evaluation.traces.held_out import EVERYTHING, TraceBenchmark, per_sample_errors
from mu0.evaluation.traces.phase_tables import report_tables
from mu0.evaluation.traces.scene_files import choose_scenes, write_scenes
from mu0.evaluation.traces.tables import markdown
from mu0.files import write_json
from mu0.viewer.overlay import draw_traces, side_by_side, write_png
from mu0.viewer.trace_figures import write_figures


def write_trace_report(
    folder: Path, samples: Sequence[EvaluationSample], benchmark: TraceBenchmark, n_scenes: int
) -> None:
    """Write everything into `folder`, which exists."""
    benchmark.table.to_parquet(folder / "table.parquet", index=False)
    benchmark.comparisons.to_parquet(folder / "comparisons.parquet", index=False)
    benchmark.resting.to_parquet(folder / "resting.parquet", index=False)
    benchmark.by_phase.to_parquet(folder / "by_phase.parquet", index=False)
    benchmark.gripper.to_parquet(folder / "gripper.parquet", index=False)
    per_sample = per_sample_errors(benchmark.errors, benchmark.settings.columns)
    per_sample.to_parquet(folder / "per_sample.parquet", index=False)
    (folder / "table.md").write_text(markdown(benchmark))
    write_json(folder / "summary.json", _summary(samples, benchmark))
    write_figures(folder / "figures", benchmark)
    chosen = choose_scenes(len(samples), n_scenes)
    write_scenes(folder / "scenes", samples, benchmark.predictions, chosen)
    _write_overlays(folder / "overlays", samples, benchmark, chosen)


def _summary(samples: Sequence[EvaluationSample], benchmark: TraceBenchmark) -> dict[str, Any]:
    settings = benchmark.settings
    headline = benchmark.headline()
    table = benchmark.table
    pooled = table[(table["source"] == EVERYTHING) & (table["points"] == EVERYTHING)]
    official: dict[str, dict[str, Any]] = {}
    for row in pooled.to_dict("records"):
        values = {key: _number(row[key]) for key in settings.columns}
        official.setdefault(str(row["method"]), {})[str(row["horizon"])] = values
    return {
        "headline": benchmark.flat_metrics(),
        "headline_points": str(headline["points"].iloc[0]),
        "headline_horizon": max(settings.horizons),
        "n_samples_evaluated": len(samples),
        "n_episodes": len({sample.episode_id for sample in samples}),
        "n_keypoints": int(sum(len(sample.truth_uvz) for sample in samples)),
        "n_futures": settings.n_samples,
        "moving_threshold_uv": settings.moving_threshold_uv,
        "seed": settings.seed,
        "methods": {
            method.name: {"sees_history": method.sees_history, "n_parameters": method.n_parameters}
            for method in benchmark.methods
        },
        "metrics_by_horizon": official,
        "resting": _plain_rows(benchmark.resting),
        "by_phase": _plain_rows(shown_rows(benchmark.by_phase)),
        "gripper": _plain_rows(benchmark.gripper),
        "tables": report_tables(benchmark.by_phase, benchmark.gripper, settings.n_samples),
    }


def _plain_rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return [
        {key: _number(value) if isinstance(value, float) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _write_overlays(
    folder: Path, samples: Sequence[EvaluationSample], benchmark: TraceBenchmark, chosen: Sequence[int]
) -> None:
    """Truth beside the first answer of every method that may draw more than straight lines."""
    folder.mkdir()
    borders = np.cumsum([0, *(len(sample.truth_uvz) for sample in samples)])
    for number, place in enumerate(chosen):
        sample = samples[place]
        keypoints = slice(int(borders[place]), int(borders[place + 1]))
        anchor = sample.queries.anchor_uvz[:, None]
        shown = np.concatenate([np.ones((len(anchor), 1), bool), sample.valid], axis=1)
        image = sample.observation.image
        panels = {"truth": draw_traces(image, np.concatenate([anchor, sample.truth_uvz], axis=1), shown)}
        for one in benchmark.predictions:
            if one.method.n_parameters > 0:
                future = one.uvz[0, keypoints].astype(anchor.dtype)
                panels[one.method.name] = draw_traces(image, np.concatenate([anchor, future], axis=1), shown)
        write_png(folder / f"{number}.png", side_by_side(panels))
