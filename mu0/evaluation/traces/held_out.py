"""The trace benchmark: every method on the same held-out samples, with intervals against the baselines.

Two sets of points are reported. `all` is what the official evaluation pools. `moving` are those that really
leave their place within the window; the headline numbers are theirs, because a still point tells methods
apart by their noise only. A mean over all moments is a mean over the carrying, mostly: `by_phase` tells them
apart (`mu0.evaluation.traces.by_phase`). Intervals come from resampling whole episodes
(`mu0.evaluation.statistics.bootstrap`).

Entry points
    run_trace_benchmark   methods x samples -> TraceBenchmark
    .flat_metrics()       numbers for `dvc metrics` and MLflow
    .markdown()           the table for people
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mu0.dataset.evaluation import EvaluationSample
from mu0.dataset.resting_questions import MixedQuestion
from mu0.evaluation.statistics.bootstrap import N_RESAMPLES, Interval, bootstrap_mean, paired_bootstrap
from mu0.evaluation.traces.by_phase import (
    PhaseLabels,
    phase_metrics,
    phase_table,
    resting_errors,
    with_labels,
)
from mu0.evaluation.traces.gripper_paths import (
    GripperQuestion,
    ask_gripper,
    gripper_metrics,
    gripper_table,
)
from mu0.evaluation.traces.keypoint_errors import SPACES, column, keypoint_errors, keypoint_table
from mu0.evaluation.traces.metrics import METRICS
from mu0.evaluation.traces.predictions import Method, Predictions, predict_all
from mu0.evaluation.traces.resting import COLUMNS as RESTING_COLUMNS
from mu0.evaluation.traces.resting import ask_about_rest, resting_table

REFERENCES = ("static", "constant_velocity")
HEADLINE = ("ade_m", "fde_m", "ade_uv", "fde_uv")
EVERYTHING = "all"
MOVING = "moving"
SHORT_NAMES = {"constant_velocity": "cv"}


@dataclass(frozen=True)
class BenchmarkSettings:
    """What is asked and reported; see `TraceReportParams`."""

    n_samples: int = 5
    horizons: tuple[int, ...] = (8, 16, 32)
    moving_threshold_uv: float = 0.05
    seed: int = 0
    n_resamples: int = N_RESAMPLES

    @property
    def columns(self) -> list[str]:
        """All error columns: first sample, then best of S."""
        counts = (1,) if self.n_samples == 1 else (1, self.n_samples)
        return [column(metric, space, n) for n in counts for space in SPACES for metric in METRICS]


@dataclass(frozen=True)
class TraceBenchmark:
    """Results.

    Attributes:
        settings: What was asked.
        methods: Methods in the order of the report.
        predictions: Their answers, same order.
        errors: One row per method, horizon and keypoint.
        table: One row per method, source, point set and horizon: means, and intervals of the headline
        columns. comparisons: Paired differences of every method to the baselines, same keys.
        resting: What every method does with keypoints that rest (`mu0.evaluation.traces.resting`).
        by_phase: Errors by phase and entity (`mu0.evaluation.traces.by_phase`).
        gripper: Errors of the gripper's path, asked about alone (`mu0.evaluation.traces.gripper_paths`).
    """

    settings: BenchmarkSettings
    methods: list[Method]
    predictions: list[Predictions]
    errors: pd.DataFrame
    table: pd.DataFrame
    comparisons: pd.DataFrame
    resting: pd.DataFrame
    by_phase: pd.DataFrame
    gripper: pd.DataFrame

    def flat_metrics(self) -> dict[str, float]:
        """Headline numbers: moving points of all sources at the longest horizon."""
        best = self.settings.n_samples
        rows: dict[str, Any] = {str(row["method"]): row for row in self.headline().to_dict("records")}
        metrics: dict[str, float] = {}
        for method in self.methods:
            name = SHORT_NAMES.get(method.name, method.name)
            for key in HEADLINE:
                metrics[f"{name}_{key}"] = rows[method.name][key]
                if best > 1:
                    metric, space = key.split("_")
                    metrics[f"{name}_best{best}_{key}"] = rows[method.name][column(metric, space, best)]
            metrics[f"{name}_latency_s"] = rows[method.name]["latency_s"]
        for row in self.resting[self.resting["source"] == EVERYTHING].to_dict("records"):
            name = SHORT_NAMES.get(row["method"], row["method"])
            metrics |= {f"{name}_{key}": row[key] for key in RESTING_COLUMNS}
        metrics |= phase_metrics(self.by_phase, best, SHORT_NAMES)
        metrics |= gripper_metrics(self.gripper, SHORT_NAMES)
        for row in self.headline_comparisons().to_dict("records"):
            method, reference = (SHORT_NAMES.get(row[key], row[key]) for key in ("method", "reference"))
            for part, ending in (("mean", ""), ("low", "_low"), ("high", "_high")):
                metrics[f"{method}_minus_{reference}_{row['metric']}{ending}"] = row[part]
        return {key: float(value) for key, value in metrics.items() if np.isfinite(value)}

    def headline(self) -> pd.DataFrame:
        """Rows of `table` that the headline numbers come from."""
        return _headline(self.table, self.settings)

    def headline_comparisons(self) -> pd.DataFrame:
        """Rows of `comparisons` that the headline numbers come from."""
        return _headline(self.comparisons, self.settings)


def run_trace_benchmark(
    methods: Sequence[Method],
    samples: Sequence[EvaluationSample],
    settings: BenchmarkSettings,
    mixed: Sequence[MixedQuestion] = (),
    labels: PhaseLabels | None = None,
    gripper: Sequence[GripperQuestion] = (),
) -> TraceBenchmark:
    """Ask, measure, compare.

    Args:
        methods: In the order of the report.
        samples: Official questions: moving keypoints.
        settings: What is asked and reported.
        mixed: Questions that hold resting keypoints, too.
        labels: Phases and entities of both; without them nothing is told apart.
        gripper: Questions about the gripper alone.

    Raises:
        PredictionError: A method gave an unusable answer.
    """
    keypoints = keypoint_table(samples, settings.moving_threshold_uv)
    predictions = [predict_all(method, samples, settings.n_samples, settings.seed) for method in methods]
    errors = pd.concat(
        [keypoint_errors(samples, keypoints, one, settings.horizons) for one in predictions],
        ignore_index=True,
    )
    latency_s = {one.method.name: float(np.median(one.seconds)) for one in predictions}
    n_parameters = {method.name: method.n_parameters for method in methods}
    table = _means(errors, settings)
    table["latency_s"] = table["method"].map(latency_s)
    table["n_parameters"] = table["method"].map(n_parameters)
    names = [method.name for method in methods]
    said = [ask_about_rest(method, mixed, settings.seed) for method in methods] if mixed else []
    labelled = [] if labels is None else [with_labels(errors, labels.official)]
    if labels is not None and mixed:
        labelled.append(resting_errors(said, mixed, labels.mixed, settings.horizons))
    return TraceBenchmark(
        settings,
        list(methods),
        predictions,
        errors,
        table,
        _compare(errors, names, settings),
        resting_table(said, mixed, settings.moving_threshold_uv),
        _by_phase(labelled, settings),
        _gripper(methods, gripper, settings),
    )


def per_sample_errors(errors: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Mean errors of the keypoints of each sample: method, horizon, sample, episode_id, source."""
    keys = ["method", "horizon", "sample", "episode_id", "source"]
    grouped = errors.groupby(keys, sort=False)
    return grouped[columns].mean().assign(n_keypoints=grouped.size()).reset_index()


def _by_phase(labelled: list[pd.DataFrame], settings: BenchmarkSettings) -> pd.DataFrame:
    errors = pd.concat(labelled, ignore_index=True) if labelled else pd.DataFrame()
    return phase_table(errors, settings.n_samples, seed=settings.seed, n_resamples=settings.n_resamples)


def _gripper(
    methods: Sequence[Method], questions: Sequence[GripperQuestion], settings: BenchmarkSettings
) -> pd.DataFrame:
    errors = ask_gripper(methods, questions, settings.n_samples, settings.seed)
    return gripper_table(errors, seed=settings.seed, n_resamples=settings.n_resamples)


def _headline(table: pd.DataFrame, settings: BenchmarkSettings) -> pd.DataFrame:
    points = MOVING if (table["points"] == MOVING).any() else EVERYTHING
    longest = max(settings.horizons)
    chosen = (table["source"] == EVERYTHING) & (table["points"] == points) & (table["horizon"] == longest)
    return table[chosen]


def _groups(errors: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """(source, points, rows) with the pooled source first; empty groups are left out."""
    sources = [EVERYTHING, *sorted(errors["source"].unique())]
    groups = []
    for source in sources:
        rows = errors if source == EVERYTHING else errors[errors["source"] == source]
        groups += [(source, EVERYTHING, rows), (source, MOVING, rows[rows["is_moving"]])]
    return [group for group in groups if len(group[2])]


def _means(errors: pd.DataFrame, settings: BenchmarkSettings) -> pd.DataFrame:
    rows = []
    for source, points, group in _groups(errors):
        for (method, horizon), part in group.groupby(["method", "horizon"], sort=False):
            row: dict[Any, Any] = {"method": method, "source": source}
            row |= {"points": points, "horizon": horizon}
            row |= {"n_keypoints": len(part), "n_episodes": part["episode_id"].nunique()}
            row |= part[settings.columns].mean().to_dict()
            for key in HEADLINE:
                interval = bootstrap_mean(
                    part[key].to_numpy(),
                    part["episode_id"].to_numpy(),
                    seed=settings.seed,
                    n_resamples=settings.n_resamples,
                )
                row |= {f"{key}_low": interval.low, f"{key}_high": interval.high}
            rows.append(row)
    return pd.DataFrame(rows)


def _compare(errors: pd.DataFrame, names: list[str], settings: BenchmarkSettings) -> pd.DataFrame:
    """Paired differences method - reference; negative means better than the reference."""
    rows = []
    for source, points, group in _groups(errors):
        for horizon in settings.horizons:
            at_horizon = group[group["horizon"] == horizon].set_index("keypoint")
            part = {str(name): rows_of for name, rows_of in at_horizon.groupby("method")}
            for method in names:
                for reference in REFERENCES:
                    if method == reference or not {method, reference} <= set(names):
                        continue
                    key: dict[str, Any] = {"method": method, "reference": reference}
                    key |= {"source": source, "points": points, "horizon": horizon}
                    rows += [
                        key | {"metric": metric} | vars(interval)
                        for metric, interval in _differences(part[method], part[reference], settings).items()
                    ]
    return pd.DataFrame(rows)


def _differences(
    method: pd.DataFrame, reference: pd.DataFrame, settings: BenchmarkSettings
) -> dict[str, Interval]:
    aligned = reference.loc[method.index]
    return {
        metric: paired_bootstrap(
            method[metric].to_numpy(),
            aligned[metric].to_numpy(),
            method["episode_id"].to_numpy(),
            seed=settings.seed,
            n_resamples=settings.n_resamples,
        )
        for metric in HEADLINE
    }
