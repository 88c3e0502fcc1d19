"""Rollouts: as many as asked for, the same seeds for every actor at every level, rates that are rates."""

from pathlib import Path

import numpy as np
import pandas as pd

from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    in_set,
    not_blank,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import is_true, number_at, read_table
from assets_defs.sections import section
from mu0.envs.levels import LEVEL_NAMES, USUAL_LEVEL
from mu0.files import read_json
from mu0.params.action_expert import Ur3ReportParams

CEILING = "demonstrator"  # its rate is what the scenes allow, not what a policy achieved
ROUNDING = 1e-6


def suites(root: Path) -> list[Suite]:
    """Suites about reports/ur3_report."""
    asked = section("ur3_report", Ur3ReportParams, root)
    folder = root / "reports/ur3_report"
    rollouts = read_table(
        folder / "rollouts.parquet",
        numbers=("seed", "n_steps", "closest_m", "score"),
        flags=("success", "reached", "grasped", "lifted"),
        texts=("actor", "level"),
    )
    summary = read_json(folder / "summary.json")
    told = _told_rates(summary)
    setting = summary.get("setting") if isinstance(summary, dict) else None
    task = setting.get("task") if isinstance(setting, dict) else None
    usual = rollouts[rollouts["level"] == USUAL_LEVEL]
    counted = is_true(usual["success"]).astype(float).groupby(usual["actor"]).mean()
    n_asked = asked.n_rollouts
    seeds = [frozenset(part["seed"]) for _, part in usual.groupby("actor")]
    elsewhere = rollouts[rollouts["level"] != USUAL_LEVEL].groupby(["level", "actor"])["seed"].nunique()
    n_others = len(counted) * (len(LEVEL_NAMES) - 1) if asked.n_rollouts_elsewhere else 0
    best_policy = max((rate for actor, rate in counted.items() if actor != CEILING), default=float("nan"))
    return [
        Suite("rollouts", rollouts, [
            *unique_together("level", "actor", "seed"),
            *not_blank("actor"),
            *in_set("level", list(LEVEL_NAMES)),
            *in_set("success", [True, False]),
            *in_set("reached", [True, False]),
            *in_set("grasped", [True, False]),
            *in_set("lifted", [True, False]),
            *between("seed", 0),
            *between("n_steps", 0),
            *between("score", 0.0, 1.0),
            *between("closest_m", 0.0, 100.0),
        ]),
        Suite("task", pd.DataFrame({"task": [task]}), not_blank("task")),
        Suite("rates", told, [
            *not_blank("actor"),
            *between("rate", 0.0, 1.0),
        ]),
        Suite("protocol", facts(
            most_steps_beyond_horizon=rollouts["n_steps"].max() - number_at(setting, "horizon_steps"),
            n_seed_sets=float(len(set(seeds))),
            fewest_rollouts=float(min(map(len, seeds), default=0)),
            most_rollouts=float(max(map(len, seeds), default=0)),
            most_that_told_and_counted_rates_differ=_largest_difference(told, counted),
            n_missing_elsewhere=float(n_others - len(elsewhere)),
            fewest_elsewhere=float(elsewhere.min()) if len(elsewhere) else 0.0,
            best_policy_rate=float(best_policy),
        ), [
            *between("most_steps_beyond_horizon", high=0.0),
            *between("n_seed_sets", 1, 1),
            *between("fewest_rollouts", n_asked, n_asked),
            *between("most_rollouts", n_asked, n_asked),
            *between("most_that_told_and_counted_rates_differ", 0.0, ROUNDING),
            *between("n_missing_elsewhere", 0, 0),
            *between("fewest_elsewhere", asked.n_rollouts_elsewhere, asked.n_rollouts_elsewhere),
            *between("best_policy_rate", 1e-9, 1.0, severity=WARNING),
        ]),
    ]  # fmt: skip


def _told_rates(summary: object) -> pd.DataFrame:
    """One row per actor of summary.json: actor, rate."""
    actors = summary.get("actors") if isinstance(summary, dict) else None
    names = list(actors) if isinstance(actors, dict) else []
    rates = [number_at(actors, name, "success", "rate") for name in names]
    return pd.DataFrame({"actor": names, "rate": rates})


def _largest_difference(told: pd.DataFrame, counted: "pd.Series[float]") -> float:
    """NaN where an actor has only one of both rates."""
    first, second = told.set_index("actor")["rate"].align(counted)
    return float(np.abs(first.to_numpy(float) - second.to_numpy(float)).max(initial=0.0))
