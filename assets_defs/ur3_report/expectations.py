"""Rollouts: as many as asked for, the same seeds for every actor, rates that are rates."""

from pathlib import Path

from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    has_columns,
    in_set,
    not_null,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import read_table
from assets_defs.sections import section
from mu0.files import read_json
from mu0.params.action_expert import Ur3ReportParams


def suites(root: Path) -> list[Suite]:
    """Suites about reports/ur3_report."""
    asked = section("ur3_report", Ur3ReportParams, root)
    folder = root / "reports/ur3_report"
    rollouts = read_table(folder / "rollouts.parquet")
    actors = read_json(folder / "summary.json")["actors"]
    seeds = [frozenset(part["seed"]) for _, part in rollouts.groupby("actor")]
    rates = [actor["success"]["rate"] for actor in actors.values()]
    best_policy = max(
        (actor["success"]["rate"] for name, actor in actors.items() if name != "demonstrator"), default=0.0
    )
    n_asked = asked.n_rollouts
    return [
        Suite("rollouts", rollouts, [
            *has_columns("actor", "seed", "success", "n_steps"),
            unique_together("actor", "seed"),
            in_set("success", [True, False]),
            not_null("seed"),
        ]),
        Suite("protocol", facts(
            n_seed_sets=float(len(set(seeds))),
            fewest_rollouts=float(min(map(len, seeds), default=0)),
            lowest_rate=float(min(rates, default=0.0)),
            highest_rate=float(max(rates, default=0.0)),
            best_policy_rate=float(best_policy),
        ), [
            between("n_seed_sets", 1, 1),
            between("fewest_rollouts", n_asked, n_asked),
            between("lowest_rate", 0.0, 1.0),
            between("highest_rate", 0.0, 1.0),
            between("best_policy_rate", 1e-9, 1.0, severity=WARNING),
        ]),
    ]  # fmt: skip
