"""Every method against μ0 on the same questions: errors, intervals, paired comparisons.

Splits: `held_out` pools the held-out episodes of all sources that methods were trained on; each of these
sources; and each source of what nobody was trained on, which is never pooled. Points: `all` is what the
official evaluation pools, `moving` leaves out those that stay where they are within the window.

All methods are resampled with the same draws of episodes, so that differences and ratios are paired.

Entry points
    compare_answers   answers of all methods -> MethodBenchmark
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mu0.dataset.evaluation import EvaluationSample
from mu0.dataset.resting_questions import MixedQuestion
from mu0.errors import StageError
from mu0.evaluation.benchmark.answers import Answers
from mu0.evaluation.statistics.bootstrap import Resampled, bounds, resample_means
from mu0.evaluation.traces.by_phase import (
    PhaseLabels,
    phase_metrics,
    phase_table,
    resting_errors,
    with_labels,
)
from mu0.evaluation.traces.gripper_paths import gripper_metrics, gripper_table
from mu0.evaluation.traces.held_out import EVERYTHING, MOVING, BenchmarkSettings
from mu0.evaluation.traces.keypoint_errors import column, keypoint_errors, keypoint_table
from mu0.evaluation.traces.resting import COLUMNS as RESTING_COLUMNS
from mu0.evaluation.traces.resting import RestingAnswers, resting_table

HELD_OUT = "held_out"
REFERENCE = "mu0"
KEYS = ("split", "points", "horizon")
COMPARED = tuple((metric, space) for metric in ("dtw", "ade", "fde") for space in ("uv", "uvz", "m"))


@dataclass(frozen=True)
class MethodBenchmark:
    """Results.

    Attributes:
        settings: What was asked.
        answers: Of all methods, in the order of the report.
        table: One row per method, split, points and horizon: number of keypoints and episodes, every error
            column with `_low` and `_high`, latency, parameters.
        comparisons: One row per method but the reference, split, points, horizon and metric: `difference`
            (method - μ0; above zero: μ0 is better) and `saved` (1 - μ0 / method: the share of the method's
            error that μ0 saves), both with `_low` and `_high`.
        resting: What every method does with keypoints that rest (`mu0.evaluation.traces.resting`), of all
            questions and by source.
        by_phase: Errors by phase and entity (`mu0.evaluation.traces.by_phase`); sources that are splits of
            their own are not in its pooled rows.
        gripper: Errors of the gripper's path, asked about alone (`mu0.evaluation.traces.gripper_paths`).
    """

    settings: BenchmarkSettings
    answers: list[Answers]
    table: pd.DataFrame
    comparisons: pd.DataFrame
    resting: pd.DataFrame
    by_phase: pd.DataFrame
    gripper: pd.DataFrame

    @property
    def headline(self) -> str:
        """The column of the headline: best-of-S DTW in metres, or in uv where nothing has depth."""
        in_metres = column("dtw", "m", self.settings.n_samples)
        known = self.table[in_metres].notna().any()
        return in_metres if known else column("dtw", "uv", self.settings.n_samples)

    def rows(self, split: str = HELD_OUT, points: str = EVERYTHING, horizon: int = 0) -> pd.DataFrame:
        """Rows of `table`, one per method; horizon 0 is the longest."""
        return _chosen(self.table, split, points, horizon or max(self.settings.horizons))

    def compared(
        self, metric: str, split: str = HELD_OUT, points: str = EVERYTHING, horizon: int = 0
    ) -> pd.DataFrame:
        """Rows of `comparisons`, one per method but the reference; horizon 0 is the longest."""
        rows = _chosen(self.comparisons, split, points, horizon or max(self.settings.horizons))
        return rows[rows["metric"] == metric]

    @property
    def splits(self) -> list[str]:
        """The pooled split first."""
        return list(dict.fromkeys(self.table["split"]))

    def flat_metrics(self) -> dict[str, float]:
        """Numbers for `dvc metrics` and MLflow: longest horizon, all points, held-out episodes."""
        best = self.settings.n_samples
        metrics: dict[str, float] = {}
        for row in self.rows().to_dict("records"):
            name = str(row["method"])
            for metric, space in COMPARED:
                metrics[f"{name}_{column(metric, space, best)}"] = row[column(metric, space, best)]
            metrics[f"{name}_ade_m"] = row["ade_m"]
            metrics[f"{name}_latency_s"] = row["latency_s"]
        for row in self.resting[self.resting["source"] == EVERYTHING].to_dict("records"):
            metrics |= {f"{row['method']}_{key}": row[key] for key in RESTING_COLUMNS}
        phases = phase_metrics(self.by_phase, best, {})
        metrics |= {key: value for key, value in phases.items() if key.endswith(("_ade_m", "_dtw_m"))}
        metrics |= gripper_metrics(self.gripper, {})
        for row in self.compared(self.headline).to_dict("records"):
            for ending in ("", "_low", "_high"):
                metrics[f"mu0_saves_of_{row['method']}{ending}"] = row[f"saved{ending}"]
        return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}


def compare_answers(
    answers: Sequence[Answers],
    questions: Sequence[EvaluationSample],
    settings: BenchmarkSettings,
    apart: Sequence[str] = (),
    mixed: Sequence[MixedQuestion] = (),
    labels: PhaseLabels | None = None,
) -> MethodBenchmark:
    """Measure and compare.

    Args:
        answers: Of all methods to the same questions; the reference `mu0` is among them.
        questions: With the truth.
        settings: Horizons, samples, threshold of motion, seed.
        apart: Sources that are splits of their own and not pooled.
        mixed: The questions that hold resting keypoints, too.
        labels: Phases and entities of both; without them nothing is told apart.

    Raises:
        StageError: The reference is missing, or a method answered fewer keypoints or samples.
    """
    names = [one.name for one in answers]
    if REFERENCE not in names:
        raise StageError(
            f"There are answers of {', '.join(names) or 'nobody'}, but none of {REFERENCE}.",
            expected="the method that all others are compared with",
            remedy=f"include {REFERENCE} in the methods.",
        )
    keypoints = keypoint_table(questions, settings.moving_threshold_uv)
    errors: dict[str, pd.DataFrame] = {}
    for one in answers:
        _check(one, len(keypoints), settings.n_samples)
        errors[one.name] = keypoint_errors(questions, keypoints, one, settings.horizons)
    table, comparisons = [], []
    for key, chosen in _groups(keypoints, settings.horizons, apart):
        parts = {name: rows[rows["horizon"] == key["horizon"]].iloc[chosen] for name, rows in errors.items()}
        drawn = {name: _resample(part, settings) for name, part in parts.items()}
        table += [_row(name, key, parts[name], drawn[name], settings) for name in names]
        comparisons += [
            row
            for name in names
            if name != REFERENCE
            for row in _compare(name, key, drawn[name], drawn[REFERENCE], settings)
        ]
    frame = pd.DataFrame(table)
    frame["latency_s"] = frame["method"].map({one.name: float(np.median(one.seconds)) for one in answers})
    frame["n_parameters"] = frame["method"].map({one.name: one.facts["n_parameters"] for one in answers})
    said = [_resting(one, mixed) for one in answers] if mixed else []
    resting = resting_table(said, mixed, settings.moving_threshold_uv)
    by_phase = _by_phase(errors, said, mixed, labels, settings, apart)
    gripper = _gripper(answers, settings, apart)
    return MethodBenchmark(
        settings, list(answers), frame, pd.DataFrame(comparisons), resting, by_phase, gripper
    )


def _by_phase(
    errors: dict[str, pd.DataFrame],
    said: Sequence[RestingAnswers],
    mixed: Sequence[MixedQuestion],
    labels: PhaseLabels | None,
    settings: BenchmarkSettings,
    apart: Sequence[str],
) -> pd.DataFrame:
    parts: list[pd.DataFrame] = []
    if labels is not None:
        parts += [with_labels(pd.concat(errors.values(), ignore_index=True), labels.official)]
        parts += [resting_errors(said, mixed, labels.mixed, settings.horizons)] if mixed else []
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return phase_table(
        table, settings.n_samples, seed=settings.seed, n_resamples=settings.n_resamples, apart=apart
    )


def _gripper(answers: Sequence[Answers], settings: BenchmarkSettings, apart: Sequence[str]) -> pd.DataFrame:
    told = [one.gripper for one in answers if one.gripper is not None]
    errors = pd.concat(told, ignore_index=True) if told else pd.DataFrame()
    return gripper_table(errors, seed=settings.seed, n_resamples=settings.n_resamples, apart=apart)


def _resting(answers: Answers, mixed: Sequence[MixedQuestion]) -> RestingAnswers:
    n_keypoints = sum(len(question.rests) for question in mixed)
    if answers.resting is None or len(answers.resting.uvz) != n_keypoints:
        found = 0 if answers.resting is None else len(answers.resting.uvz)
        raise StageError(
            f"{answers.name} was asked about {found} keypoints that move or rest.",
            expected=f"{n_keypoints}, as of every method",
            remedy="run `mu0 benchmark traces` again.",
        )
    return answers.resting


def _check(answers: Answers, n_keypoints: int, n_samples: int) -> None:
    if answers.uvz.shape[:2] != (n_samples, n_keypoints):
        raise StageError(
            f"{answers.name} gave {answers.uvz.shape[0]} futures of {answers.uvz.shape[1]} keypoints.",
            expected=f"{n_samples} futures of {n_keypoints} keypoints, as of every method",
            remedy="run `mu0 benchmark traces` again.",
        )


def _groups(
    keypoints: pd.DataFrame, horizons: Sequence[int], apart: Sequence[str]
) -> list[tuple[dict[str, Any], np.ndarray]]:
    """(split, points, horizon) and the places of its keypoints; empty groups are left out."""
    sources = keypoints["source"].to_numpy()
    moving = keypoints["is_moving"].to_numpy(bool)
    pooled = ~np.isin(sources, list(apart))
    splits = {HELD_OUT: pooled}
    splits |= {source: sources == source for source in sorted(set(sources[pooled]))}
    splits |= {source: sources == source for source in apart if (sources == source).any()}
    return [
        ({"split": split, "points": points, "horizon": horizon}, np.flatnonzero(member & shown))
        for split, member in splits.items()
        for points, shown in ((EVERYTHING, np.ones_like(moving)), (MOVING, moving))
        for horizon in horizons
        if (member & shown).any()
    ]


def _resample(part: pd.DataFrame, settings: BenchmarkSettings) -> Resampled:
    return resample_means(
        part[settings.columns].to_numpy(np.float64),
        part["episode_id"].to_numpy(),
        seed=settings.seed,
        n_resamples=settings.n_resamples,
    )


def _row(
    name: str, key: dict[str, Any], part: pd.DataFrame, drawn: Resampled, settings: BenchmarkSettings
) -> dict[str, Any]:
    low, high = bounds(drawn.draws)
    row: dict[str, Any] = {"method": name} | key
    row |= {"n_keypoints": len(part), "n_episodes": part["episode_id"].nunique()}
    for place, metric in enumerate(settings.columns):
        row |= {metric: drawn.mean[place], f"{metric}_low": low[place], f"{metric}_high": high[place]}
    return row


def _compare(
    name: str, key: dict[str, Any], method: Resampled, reference: Resampled, settings: BenchmarkSettings
) -> list[dict[str, Any]]:
    counts = sorted({1, settings.n_samples})
    metrics = [column(metric, space, n) for n in counts for metric, space in COMPARED]
    with np.errstate(invalid="ignore", divide="ignore"):
        saved, saved_draws = 1 - reference.mean / method.mean, 1 - reference.draws / method.draws
    ends = (*bounds(method.draws - reference.draws), *bounds(saved_draws))
    rows = []
    for metric in metrics:
        place = settings.columns.index(metric)
        low, high, saved_low, saved_high = (end[place] for end in ends)
        row: dict[str, Any] = {"method": name, "reference": REFERENCE} | key | {"metric": metric}
        row |= {"difference": method.mean[place] - reference.mean[place]}
        row |= {"difference_low": low, "difference_high": high}
        row |= {"saved": saved[place], "saved_low": saved_low, "saved_high": saved_high}
        rows.append(row)
    return rows


def _chosen(table: pd.DataFrame, split: str, points: str, horizon: int) -> pd.DataFrame:
    at = (table["split"] == split) & (table["points"] == points) & (table["horizon"] == horizon)
    return table[at]
