"""Several closed-loop reports, one per task, as one suite: rates per task, and their average over tasks.

An average is the mean of the tasks' rates, each task counting alike. Its interval is a bootstrap stratified
by task: scenes are drawn with replacement within each task, the same ones for all actors, so that differences
are paired; percentiles of the mean over tasks, 95 %. Where all scenes end alike, all solved or none, that
interval has no width; the tasks' own Wilson intervals keep theirs. It says how sure one may be about scenes,
not about trainings: there is one of each.

Which difference could have been seen at all: as many scenes as `closed_loop_report.smallest_difference` needs
of those of all tasks together.

Actors that do not act in every task have no average.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from mu0.envs.levels import USUAL_LEVEL
from mu0.errors import StageError
from mu0.evaluation.policies.closed_loop_report import (
    CEILING,
    PAIRS,
    SCALE_STATEMENT,
    mcnemar_exact_p,
    smallest_difference,
)
from mu0.evaluation.statistics.bootstrap import N_RESAMPLES, bounds, resample_means
from mu0.evaluation.statistics.wilson import wilson_interval
from mu0.files import read_json

PROTOCOL = ("n_rollouts", "n_rollouts_elsewhere", "first_seed", "execute_steps", "best_of")
"""What reports must share to be averaged; horizons are the tasks' own."""
NEEDED = {"actor", "level", "seed", "success", "score"}
INTERVAL = f"bootstrap of {N_RESAMPLES} draws, scenes resampled within each task; percentiles, 95 %"


@dataclass(frozen=True)
class TaskReport:
    """A report of one task: where it lies, what its rollouts shared, and a row per rollout."""

    folder: Path
    setting: Mapping[str, Any]
    rows: pd.DataFrame

    @property
    def task(self) -> str:
        """Its name."""
        return str(self.setting["task"])


def read_task_report(folder: Path) -> TaskReport:
    """A folder that stage `ur3_report` wrote.

    Raises:
        StageError: A file is missing, or does not tell its task or its protocol.
    """
    summary, table = read_json(folder / "summary.json"), folder / "rollouts.parquet"
    setting = summary.get("setting") if isinstance(summary, dict) else None
    needed = {"task", *PROTOCOL}
    if not isinstance(setting, dict) or not needed <= set(setting) or not table.is_file():
        raise StageError(
            f"{folder} has no {', no '.join(sorted(needed - set(setting or {}))) or table.name}.",
            expected="summary.json and rollouts.parquet of a closed-loop report that names its task",
            remedy="name a folder such as PROJECT/reports/ur3_report; run `mu0 run` there if it is older.",
        )
    rows = pd.read_parquet(table)
    if missing := NEEDED - set(rows.columns):
        raise StageError(
            f"{table} lacks the columns {', '.join(sorted(missing))}.",
            expected="a row per rollout, as `mu0 run` writes them",
            remedy="run `mu0 run` in that project.",
        )
    return TaskReport(folder, setting, rows)


def require_comparable(reports: list[TaskReport]) -> None:
    """Check that reports are of different tasks and of one protocol.

    Raises:
        StageError: Two are not; names both facts. Or there is none.
    """
    if not reports:
        raise StageError(
            "No report was named.", expected="folders of reports", remedy="name one per task's project."
        )
    first = reports[0]
    for number, report in enumerate(reports):
        for other in reports[:number]:
            if report.task == other.task:
                raise StageError(
                    f"{other.folder} and {report.folder} are both of the task {report.task}.",
                    expected="one report per task",
                    remedy="leave one of them out.",
                )
        for name in PROTOCOL:
            one, another = first.setting[name], report.setting[name]
            if one != another:
                raise StageError(
                    f"{first.folder} was made with ur3_report.{name} {one}, {report.folder} with {another}.",
                    expected="reports of one protocol",
                    remedy="roll out one of them again with the other's params.",
                )


def summarize_suite(reports: list[TaskReport], seed: int = 0) -> dict[str, Any]:
    """Everything in suite.json.

    Args:
        reports: One per task.
        seed: Of the resampling.

    Raises:
        StageError: They cannot be compared.
    """
    require_comparable(reports)
    levels = [str(level) for level in reports[0].rows["level"].unique()]
    of_levels = {level: _level(reports, level, seed) for level in levels}
    usual = of_levels[USUAL_LEVEL]
    return {
        "scale": SCALE_STATEMENT,
        "protocol": {name: reports[0].setting[name] for name in PROTOCOL},
        "horizon_steps": {report.task: report.setting.get("horizon_steps") for report in reports},
        "tasks": [report.task for report in reports],
        "folders": {report.task: str(report.folder) for report in reports},
        "interval_of_averages": INTERVAL,
        "levels": of_levels,
        "paired": _pairs(reports, seed),
        "smallest_difference": smallest_difference(sum(usual["n_scenes"].values())),
        "best_policy": _best(usual["actors"]),
        "ceiling": CEILING,
    }


def _best(actors: Mapping[str, Any]) -> str | None:
    """The policy with the highest average; None where no policy acts in every task."""
    known = {name: one["average"]["rate"] for name, one in actors.items() if one["average"] is not None}
    known.pop(CEILING, None)
    return max(known, key=lambda name: known[name]) if known else None


def _level(reports: list[TaskReport], level: str, seed: int) -> dict[str, Any]:
    """Rates of every actor at a level: of each task, and the average of those who act in all."""
    parts = {report.task: report.rows[report.rows["level"] == level] for report in reports}
    actors = list(dict.fromkeys(actor for part in parts.values() for actor in part["actor"]))
    return {
        "n_scenes": {task: int(part["seed"].nunique()) for task, part in parts.items()},
        "actors": {
            actor: {
                "tasks": {task: _cell(part[part["actor"] == actor]) for task, part in parts.items()},
                "average": _average(parts, actor, seed),
            }
            for actor in actors
        },
    }


def _cell(rows: pd.DataFrame) -> dict[str, Any] | None:
    """Of one actor in one task; None where it does not act."""
    if rows.empty:
        return None
    rate = asdict(wilson_interval(int(rows["success"].sum()), len(rows)))
    return rate | {"mean_score": float(rows["score"].mean())}


def _average(parts: Mapping[str, pd.DataFrame], actor: str, seed: int) -> dict[str, float] | None:
    """Mean rate and mean score over the tasks, with intervals."""
    of_actor = [
        part[part["actor"] == actor].sort_values("seed")[["success", "score"]] for part in parts.values()
    ]
    if any(part.empty for part in of_actor):
        return None
    (rate, score), (low, score_low), (high, score_high) = _stratified(
        [part.to_numpy(np.float64) for part in of_actor], seed
    )
    return {
        "rate": rate, "low": low, "high": high,
        "mean_score": score, "score_low": score_low, "score_high": score_high,
    }  # fmt: skip


def _stratified(
    values: list[Float[np.ndarray, "_ column"]], seed: int
) -> tuple[Float[np.ndarray, " column"], Float[np.ndarray, " column"], Float[np.ndarray, " column"]]:
    """Means over tasks of the columns' means, and both ends of their intervals."""
    drawn = [
        resample_means(of_task, np.arange(len(of_task)), seed=seed + number)
        for number, of_task in enumerate(values)
    ]
    draws = np.mean([one.draws for one in drawn], axis=0)
    return np.mean([one.mean for one in drawn], axis=0), *bounds(draws)


def _pairs(reports: list[TaskReport], seed: int) -> list[dict[str, Any]]:
    """Differences of the averages in the same scenes, of the pairs that act in all tasks."""
    wide = [
        report.rows[report.rows["level"] == USUAL_LEVEL]
        .pivot_table(index="seed", columns="actor", values="success", aggfunc="first")
        .astype(float)
        for report in reports
    ]
    return [_pair(wide, *pair, seed) for pair in PAIRS if all(set(pair) <= set(one.columns) for one in wide)]


def _pair(wide: list[pd.DataFrame], first: str, second: str, seed: int) -> dict[str, Any]:
    apart = [(one[first] - one[second]).to_numpy(np.float64)[:, None] for one in wide]
    (difference,), (low,), (high,) = _stratified(apart, seed)
    every = np.concatenate(apart)
    only_first, only_second = int((every > 0).sum()), int((every < 0).sum())
    return {
        "first": first,
        "second": second,
        "difference": float(difference),
        "low": float(low),
        "high": float(high),
        "n_pairs": len(every),
        "n_only_first": only_first,
        "n_only_second": only_second,
        "mcnemar_exact_p": mcnemar_exact_p(only_first, only_second),
    }
