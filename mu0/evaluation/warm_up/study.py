"""The warm-up study: what 5 or 15 demonstrations of a new embodiment are worth, with and without pretraining.

A model is pretrained on the training episodes of some sources. Then a few training episodes of another
source, the target, are drawn; the pretrained model and one with fresh weights learn from them alone, for the
same number of steps, and both answer the same questions on the target's held-out episodes. Drawing is
repeated, and the intervals come from resampling held-out episodes, with the same draws for all arms.

Arms: `pretrained` (no demonstration at all: 0), `pretrained` and `scratch` (n demonstrations).
"""

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from mu0.dataset.batch import TraceBatch
from mu0.dataset.evaluation import EvaluationSample
from mu0.dataset.windows import TraceWindows
from mu0.errors import StageError
from mu0.evaluation.statistics.bootstrap import Resampled, bounds, resample_means
from mu0.evaluation.traces.keypoint_errors import column, keypoint_errors, keypoint_table
from mu0.evaluation.traces.predictions import Method, predict_all
from mu0.evaluation.warm_up.learners import AbstractLearner
from mu0.params.benchmark import BenchmarkParams
from mu0.training.loop import fit
from mu0.training.world_model import fit_settings

PRETRAINED, SCRATCH = "pretrained", "scratch"
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arm:
    """One trained model of the study and its errors, one row per keypoint of the target's questions."""

    kind: str
    n_demonstrations: int
    draw: int
    errors: pd.DataFrame


@dataclass(frozen=True)
class Study:
    """What all arms share."""

    learner: AbstractLearner
    benchmark: BenchmarkParams
    slots: pd.DataFrame
    questions: Sequence[EvaluationSample]
    work_folder: Path


def run_warm_up(study: Study, name: str) -> list[Arm]:
    """Train and measure all arms of one method.

    Raises:
        StageError: The target has fewer training episodes than are asked for.
    """
    how = study.benchmark.warm_up
    training = study.slots[study.slots["split"] == "train"]
    everything = study.learner.windows(
        training[training["source"].isin([*how.pretrain_sources, how.target_source])]
    )
    fresh = study.learner.fresh(everything, study.benchmark.seed)
    pretrained = copy.deepcopy(fresh)
    sources = study.learner.windows(training[training["source"].isin(how.pretrain_sources)])
    _learn(study, pretrained, sources, how.pretrain_steps, f"{name}_pretrained")
    arms = [Arm(PRETRAINED, 0, 0, _measure(study, pretrained, name))]
    target = training[training["source"] == how.target_source]
    for draw in range(how.n_draws):
        for n in how.n_demonstrations:
            episodes = draw_episodes(target, n, study.benchmark.seed + draw)
            windows = study.learner.windows(target[target["episode_id"].isin(episodes)])
            for kind, start in ((PRETRAINED, pretrained), (SCRATCH, fresh)):
                LOG.info("%s: %d demonstrations, %s, draw %d", name, n, kind, draw)
                model = copy.deepcopy(start)
                _learn(study, model, windows, how.steps, f"{name}_{kind}_{n}_{draw}")
                arms.append(Arm(kind, n, draw, _measure(study, model, name)))
    return arms


def draw_episodes(target: pd.DataFrame, n: int, seed: int) -> list[str]:
    """`n` different training episodes; a larger draw with the same seed holds the smaller one.

    Raises:
        StageError: There are not that many.
    """
    episodes = sorted(target["episode_id"].unique())
    if len(episodes) < n:
        raise StageError(
            f"{n} demonstrations were asked for; the target has {len(episodes)} training episodes.",
            expected="no more than there are",
            remedy="lower benchmark.warm_up.n_demonstrations in params.yaml, or add videos.",
        )
    order = np.random.default_rng(seed).permutation(len(episodes))
    return [episodes[place] for place in order[:n]]


def summarise(name: str, arms: Sequence[Arm], benchmark: BenchmarkParams) -> pd.DataFrame:
    """One row per arm and metric at the longest horizon, draws pooled.

    Columns: method, kind, n_demonstrations, metric, mean, low, high; for `pretrained` with demonstrations
    also `saved` (share of the error of `scratch` that pretraining saves), `saved_low`, `saved_high`.
    """
    best = benchmark.n_samples
    counts = sorted({1, best})
    metrics = [column(metric, space, n) for n in counts for metric in ("ade", "dtw") for space in ("uv", "m")]
    pooled: dict[tuple[str, int], list[pd.DataFrame]] = {}
    for arm in arms:
        pooled.setdefault((arm.kind, arm.n_demonstrations), []).append(arm.errors)
    drawn = {key: _resample(pd.concat(parts), metrics, benchmark) for key, parts in pooled.items()}
    rows = []
    for (kind, n), one in drawn.items():
        low, high = bounds(one.draws)
        other = drawn.get((SCRATCH, n)) if kind == PRETRAINED else None
        saved = _saved(one, other) if other else None
        for place, metric in enumerate(metrics):
            row: dict[str, Any] = {"method": name, "kind": kind, "n_demonstrations": n, "metric": metric}
            row |= {"mean": one.mean[place], "low": low[place], "high": high[place]}
            ends = [float(end[place]) for end in saved] if saved else [float("nan")] * 3
            rows.append(row | dict(zip(("saved", "saved_low", "saved_high"), ends, strict=True)))
    return pd.DataFrame(rows)


def run_all(studies: Sequence[Study]) -> pd.DataFrame:
    """Both arms of every method, summarised: the rows of all methods one after another."""
    parts = [
        summarise(study.learner.name, run_warm_up(study, study.learner.name), study.benchmark)
        for study in studies
    ]
    return pd.concat(parts, ignore_index=True)


def flat_metrics(rows: pd.DataFrame) -> dict[str, float]:
    """Means, and what pretraining saves with its interval, under one name each; unknown ones are left out."""
    metrics: dict[str, float] = {}
    for row in rows.to_dict("records"):
        name = f"{row['method']}_{row['kind']}_{row['n_demonstrations']}_{row['metric']}"
        saved = {f"{name}_{key}": row[key] for key in ("saved", "saved_low", "saved_high")}
        values = {name: row["mean"]} | saved
        metrics |= {key: float(value) for key, value in values.items() if pd.notna(value)}
    return metrics


def _saved(pretrained: Resampled, scratch: Resampled) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - pretrained.mean / scratch.mean, *bounds(1 - pretrained.draws / scratch.draws)


def _resample(errors: pd.DataFrame, metrics: list[str], benchmark: BenchmarkParams) -> Resampled:
    return resample_means(
        errors[metrics].to_numpy(np.float64),
        errors["episode_id"].to_numpy(),
        seed=benchmark.seed,
        n_resamples=benchmark.n_resamples,
    )


def _learn(study: Study, model: nn.Module, windows: TraceWindows, steps: int, name: str) -> None:
    """Train in place; a training that was interrupted goes on, and a finished one is taken as it is."""
    train = study.learner.train

    def make_batch(number: int) -> TraceBatch:
        return windows.batch(number, train.batch_size, train.n_queries, train.seed)

    settings = fit_settings(train.model_copy(update={"steps": steps}))
    fit(model, make_batch, study.learner.loss(model), settings, study.work_folder / name)


@torch.no_grad()
def _measure(study: Study, model: nn.Module, name: str) -> pd.DataFrame:
    method = Method(name, study.learner.predictor(model.eval()), sees_history=False)
    benchmark = study.benchmark
    answers = predict_all(method, study.questions, benchmark.n_samples, benchmark.seed)
    keypoints = keypoint_table(study.questions, benchmark.moving_threshold_uv)
    return keypoint_errors(study.questions, keypoints, answers, [max(benchmark.horizons)])
