"""Errors by phase and entity: what a mean over all keypoints hides.

Most moving keypoints and moments belong to the carrying, so a mean over all says how well a method carries
on, and nothing of whether it knows what will be grasped. Here every method has one row per source, phase,
entity and horizon (names: `mu0.evaluation.phases.names`), with intervals over whole episodes and the paired
difference to standing still.

Resting keypoints come from the second questions (`mu0.dataset.resting_questions`), which have one future
each: they have errors of the first future and none of the best.

Entry points
    phase_table     errors and labels of keypoints -> the table
    shown_rows      the part that pages and metrics show
    phase_metrics   that part as flat numbers
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from mu0.dataset.resting_questions import MixedQuestion
from mu0.evaluation.phases.names import ENTITIES, EVERY_ENTITY, EVERY_PHASE, PHASES
from mu0.evaluation.statistics.bootstrap import bounds, resample_means
from mu0.evaluation.traces.keypoint_errors import column, keypoint_errors, keypoint_table
from mu0.evaluation.traces.resting import RestingAnswers

KEYS = ("method", "source", "phase", "entity", "horizon")
COUNTS = ("n_keypoints", "n_moments", "n_episodes")
EVERYTHING = "all"
STATIC = "static"
BASELINES = (STATIC, "constant_velocity")
DIFFERENCES = ("ade_uv", "ade_m")
SPACES = ("uv", "m")


@dataclass(frozen=True)
class PhaseLabels:
    """Phase, entity and who knows them (`mu0.evaluation.phases.labels`), of all keypoints in order.

    Attributes:
        official: Of the official questions.
        mixed: Of the second questions, which hold resting keypoints.
    """

    official: pd.DataFrame
    mixed: pd.DataFrame


@dataclass(frozen=True)
class _FirstFutures:
    """Answers with one future, as `keypoint_errors` reads them."""

    name: str
    uvz: Float[np.ndarray, "sample n step 3"]


def phase_columns(n_samples: int) -> list[str]:
    """ADE and DTW of the first future, then of the best."""
    counts = (1,) if n_samples == 1 else (1, n_samples)
    return [column(metric, space, n) for n in counts for space in SPACES for metric in ("ade", "dtw")]


def resting_errors(
    answers: Sequence[RestingAnswers],
    questions: Sequence[MixedQuestion],
    labels: pd.DataFrame,
    horizons: Sequence[int],
) -> pd.DataFrame:
    """Errors of the resting keypoints alone, with their labels; empty without questions."""
    if not questions:
        return pd.DataFrame()
    samples = [question.sample for question in questions]
    rests = np.concatenate([question.rests for question in questions])
    keypoints = keypoint_table(samples, np.inf)
    futures = [_FirstFutures(one.name, one.uvz[None]) for one in answers]
    tables = [keypoint_errors(samples, keypoints, one, horizons) for one in futures]
    return with_labels(pd.concat(tables, ignore_index=True), labels.assign(entity="rest"), rests)


def with_labels(
    errors: pd.DataFrame, labels: pd.DataFrame, kept: Bool[np.ndarray, " n"] | None = None
) -> pd.DataFrame:
    """Rows of `errors` with the labels of their keypoints, of those that are kept."""
    place = errors["keypoint"].to_numpy(int)
    own = labels.iloc[place].reset_index(drop=True)
    joined = errors.reset_index(drop=True).assign(**{name: own[name] for name in own.columns})
    return joined if kept is None else joined[kept[place]].reset_index(drop=True)


def phase_table(
    errors: pd.DataFrame, n_samples: int, *, seed: int, n_resamples: int, apart: Sequence[str] = ()
) -> pd.DataFrame:
    """One row per method, source, phase, entity and horizon; empty where nothing has labels.

    Args:
        errors: Of keypoints of all methods, with `phase`, `entity` and `known_by`.
        n_samples: Futures of a question.
        seed: Of the resampling.
        n_resamples: How often the episodes are drawn.
        apart: Sources that are not pooled.

    Returns:
        `KEYS`, known_by, n_keypoints, n_moments, n_episodes, every error with `_low` and `_high`, and
        `minus_static_*`: paired, below zero is better than standing still.
    """
    columns = phase_columns(n_samples)
    if not len(errors):
        differences = [f"minus_static_{metric}" for metric in DIFFERENCES]
        return pd.DataFrame(columns=[*KEYS, "known_by", *COUNTS, *columns, *differences])
    errors = errors.reindex(columns=[*errors.columns, *(name for name in columns if name not in errors)])
    pooled = errors[~errors["source"].isin(list(apart))].assign(source=EVERYTHING)
    rows = []
    for part in (pooled, errors):
        for key, group in part.groupby(list(KEYS[1:]), sort=False, observed=True):
            rows += _rows(dict(zip(KEYS[1:], key, strict=True)), group, columns, seed, n_resamples)
    return _in_order(pd.DataFrame(rows))


def _rows(
    key: dict[str, Any], group: pd.DataFrame, columns: list[str], seed: int, n_resamples: int
) -> list[dict[str, Any]]:
    """One row per method; all are resampled together, with the same draws of episodes."""
    parts = {str(name): part for name, part in group.groupby("method", sort=False)}
    first = next(iter(parts.values()))
    values = np.concatenate([part[columns].to_numpy(np.float64) for part in parts.values()], axis=1)
    drawn = resample_means(values, first["episode_id"].to_numpy(), seed=seed, n_resamples=n_resamples)
    shape = len(parts), len(columns)
    mean, draws = drawn.mean.reshape(shape), drawn.draws.reshape(-1, *shape)
    low, high = (end.reshape(shape) for end in bounds(drawn.draws))
    known_by = first["known_by"].unique()
    shared = key | {"known_by": str(known_by[0]) if len(known_by) == 1 else "several"}
    shared |= {"n_keypoints": len(first), "n_moments": first["sample"].nunique()}
    shared |= {"n_episodes": first["episode_id"].nunique()}
    static = list(parts).index(STATIC) if STATIC in parts else None
    rows = []
    for number, name in enumerate(parts):
        row: dict[str, Any] = {"method": name} | shared
        for place, metric in enumerate(columns):
            row |= {metric: mean[number, place], f"{metric}_low": low[number, place]}
            row |= {f"{metric}_high": high[number, place]}
        for metric in DIFFERENCES:
            place = columns.index(metric)
            away = draws[:, number, place] - draws[:, static, place] if static is not None else None
            centre = mean[number, place] - mean[static, place] if static is not None else np.nan
            row |= _difference(f"minus_static_{metric}", centre, away)
        rows.append(row)
    return rows


def _difference(name: str, mean: float, draws: Float[np.ndarray, " resample"] | None) -> dict[str, float]:
    if draws is None:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), float("nan"))
    low, high = bounds(draws[:, None])
    return {name: float(mean), f"{name}_low": float(low[0]), f"{name}_high": float(high[0])}


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The pooled source first, phases as they follow each other; methods stay in the order of the report."""
    methods = list(dict.fromkeys(table["method"]))
    orders = {"phase": EVERY_PHASE, "entity": EVERY_ENTITY, "method": methods}
    places = {name: table[name].map(list(order).index) for name, order in orders.items()}
    places["source"] = table["source"].where(table["source"] != EVERYTHING, "")
    sorting = pd.DataFrame(places | {"horizon": table["horizon"]})
    order = sorting.sort_values(["source", "phase", "entity", "horizon", "method"]).index
    return table.loc[order].reset_index(drop=True)


def shown_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Pooled rows at the longest horizon, of the phases and entities that are judged."""
    if not len(table):
        return table
    at = (table["source"] == EVERYTHING) & (table["horizon"] == table["horizon"].max())
    return table[at & table["phase"].isin(PHASES) & table["entity"].isin(ENTITIES)]


def phase_metrics(table: pd.DataFrame, n_samples: int, names: dict[str, str]) -> dict[str, float]:
    """`METHOD_PHASE_ENTITY_ERROR` of the shown rows; `names` shortens those of methods."""
    found: dict[str, float] = {}
    errors = {f"ade_{space}": f"ade_{space}" for space in SPACES}
    if n_samples > 1:
        errors |= {f"best{n_samples}_{m}_m": column(m, "m", n_samples) for m in ("ade", "dtw")}
    for row in shown_rows(table).to_dict("records"):
        key = f"{names.get(str(row['method']), row['method'])}_{row['phase']}_{row['entity']}"
        found |= {f"{key}_{name}": row[error] for name, error in errors.items()}
        if row["method"] not in BASELINES:
            ends = ("", "_low", "_high")
            found |= {f"{key}_minus_static_ade_m{end}": row[f"minus_static_ade_m{end}"] for end in ends}
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}
