"""The closed-loop report of a task: success with Wilson intervals, per kind and level, the paired difference.

All actors act in the same scenes, so they are compared in pairs: only scenes where exactly one succeeds
say anything, and McNemar's exact test asks whether these fall to one side more than a fair coin would. Of how
little a difference such a run could have told is said beside it. Scenes of other levels
(`mu0.envs.levels`) are counted apart, never together with those like the demonstrations'.
All numbers are of simulated scenes; the report says so.

Sources
    McNemar, Psychometrika 1947; exact form: two-sided binomial test over the discordant pairs.
"""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import binomtest

from mu0.envs.levels import USUAL_LEVEL
from mu0.evaluation.statistics.wilson import wilson_interval
from mu0.files import atomic_file, write_json

SCALE_STATEMENT = "simulated: MuJoCo tabletop scenes, rendered images, a scripted demonstrator; no real robot"
CEILING = "demonstrator"
MILESTONES = ("reached", "grasped", "lifted", "success")
PAIRS = (("mu0", "no_trace"), ("grounded", "no_trace"), ("grounded", "mu0"), ("trace_policy", "grounded"))
VIDEOS_PER_OUTCOME = 2
SIGNIFICANT_P = 0.05


def mcnemar_exact_p(n_only_first: int, n_only_second: int) -> float:
    """Two-sided exact p value of a fair coin being at least this uneven; 1 without discordant pairs."""
    n = n_only_first + n_only_second
    return float(binomtest(n_only_first, n).pvalue) if n else 1.0


def smallest_difference(n_pairs: int) -> float | None:
    """The smallest difference that `n_pairs` scenes could show: all that differ fall to one side.

    Returns:
        A share of the scenes; None where not even all of them would do.
    """
    for n_apart in range(1, n_pairs + 1):
        if mcnemar_exact_p(n_apart, 0) < SIGNIFICANT_P:
            return n_apart / n_pairs
    return None


def actor_summary(rows: pd.DataFrame) -> dict[str, Any]:
    """Milestones with intervals, mean score, success per kind, why it failed, distance and time per plan."""

    def rate(column: pd.Series) -> dict[str, Any]:
        return asdict(wilson_interval(int(column.sum()), len(column)))

    successes = rows[rows["success"]]
    return {
        **{name: rate(rows[name]) for name in MILESTONES},
        "mean_score": float(rows["score"].mean()),
        "reasons": _reasons(rows),
        "success_by_kind": {str(kind): rate(part["success"]) for kind, part in rows.groupby("object_kind")},
        "success_by_n_objects": {str(n): rate(part["success"]) for n, part in rows.groupby("n_objects")},
        "mean_closest_m": float(rows["closest_m"].mean()),
        "median_steps_to_success": float(successes["n_steps"].median()) if len(successes) else None,
        "mean_ms_per_plan": float(rows["ms_per_plan"].mean()),
    }


def _reasons(rows: pd.DataFrame) -> dict[str, int]:
    """How many failures had which reason; refusals by their name."""
    failed = rows.loc[~rows["success"].astype(bool), "reason"]
    counts = failed.astype(str).str.split(":").str[0].value_counts()
    return {str(reason): int(count) for reason, count in counts.items()}


def paired_difference(rows: pd.DataFrame, first: str, second: str) -> dict[str, Any]:
    """Success of `first` minus success of `second` on equal seeds, with McNemar's exact p value."""
    wide = rows.pivot_table(index="seed", columns="actor", values="success", aggfunc="first").astype(bool)
    only_first = int((wide[first] & ~wide[second]).sum())
    only_second = int((~wide[first] & wide[second]).sum())
    return {
        "first": first,
        "second": second,
        "difference": (only_first - only_second) / len(wide),
        "n_pairs": len(wide),
        "n_only_first": only_first,
        "n_only_second": only_second,
        "mcnemar_exact_p": mcnemar_exact_p(only_first, only_second),
    }


def summarize(rows: pd.DataFrame, setting: dict[str, Any]) -> dict[str, Any]:
    """Everything in summary.json.

    Args:
        rows: One row per rollout, the columns of `mu0.policy.rollout.Rollout`.
        setting: What the rollouts had in common (task, seeds, horizon, executed steps).

    Returns:
        Plain JSON content.
    """
    usual = rows[rows["level"] == USUAL_LEVEL]
    actors = {str(actor): actor_summary(part) for actor, part in usual.groupby("actor", sort=False)}
    pairs = [paired_difference(usual, *pair) for pair in PAIRS if set(pair) <= set(actors)]
    return {
        "scale": SCALE_STATEMENT,
        "setting": setting,
        "actors": actors,
        "paired": pairs,
        "smallest_difference": smallest_difference(usual["seed"].nunique()),
        "levels": {
            str(level): {
                str(actor): asdict(wilson_interval(int(each["success"].sum()), len(each)))
                | {"mean_score": float(each["score"].mean())}
                for actor, each in part.groupby("actor", sort=False)
            }
            for level, part in rows.groupby("level", sort=False)
        },
        "ceiling": CEILING,
        "ceiling_success": actors.get(CEILING, {}).get("success"),
    }


def keep_telling_videos(rows: pd.DataFrame, recorded: Path, goal: Path) -> list[dict[str, Any]]:
    """Copy the first successes and failures of every actor to `goal`.

    Args:
        rows: One row per rollout.
        recorded: Folder with `<actor>_<seed>.mp4` of every rollout of the first level.
        goal: Folder of the kept ones, `<actor>_<success|failure>_<seed>.mp4`.

    Returns:
        What was kept, for summary.json.
    """
    goal.mkdir(parents=True, exist_ok=True)
    kept = []
    usual = rows[rows["level"] == USUAL_LEVEL].sort_values("seed")
    for (actor, success), part in usual.groupby(["actor", "success"]):
        for row in part.head(VIDEOS_PER_OUTCOME).to_dict("records"):
            outcome = "success" if success else "failure"
            name = f"{actor}_{outcome}_{row['seed']}.mp4"
            shutil.copyfile(recorded / f"{actor}_{row['seed']}.mp4", goal / name)
            kept.append(
                {
                    "file": f"videos/{name}",
                    "actor": actor,
                    "seed": row["seed"],
                    "outcome": outcome,
                    "reason": row["reason"],
                    "instruction": row["instruction"],
                    "n_steps": row["n_steps"],
                }
            )
    return kept


def headline_metrics(summary: dict[str, Any]) -> dict[str, Any]:
    """The few numbers that `dvc metrics show` and the promotion gates read."""
    setting = summary["setting"]
    metrics: dict[str, Any] = {
        "scale": "simulated",
        "task": setting["task"],
        "n_rollouts": setting["n_rollouts"],
    }
    for actor, content in summary["actors"].items():
        metrics[actor] = {
            "success_rate": content["success"]["rate"],
            "success_low": content["success"]["low"],
            "success_high": content["success"]["high"],
            "mean_score": content["mean_score"],
            "lift_rate": content["lifted"]["rate"],
            "mean_closest_m": content["mean_closest_m"],
            "ms_per_plan": content["mean_ms_per_plan"],
        }
    for level, rates in summary["levels"].items():
        if level != USUAL_LEVEL:
            metrics[level] = {actor: rate["rate"] for actor, rate in rates.items()}
    for pair in summary["paired"]:
        name = f"{pair['first']}_minus_{pair['second']}"
        metrics[name] = {"difference": pair["difference"], "mcnemar_exact_p": pair["mcnemar_exact_p"]}
    return metrics


def write_policy_report(
    rows: pd.DataFrame, setting: dict[str, Any], recorded: Path, folder: Path, metrics: Path
) -> dict[str, Any]:
    """Write rollouts.parquet, summary.json, videos/ and the metrics file; returns the summary."""
    with atomic_file(folder / "rollouts.parquet") as temporary:
        rows.to_parquet(temporary, index=False)
    summary = summarize(rows, setting) | {"videos": keep_telling_videos(rows, recorded, folder / "videos")}
    write_json(folder / "summary.json", summary)
    write_json(metrics, headline_metrics(summary))
    return summary
