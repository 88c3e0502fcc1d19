"""Trace benchmark: every method at every horizon, finite errors, equal numbers of keypoints for all.

Phases of held-out episodes: where one of them has rows, every method has; one without rows is a warning.
"""

from itertools import product
from pathlib import Path

import pandas as pd

from assets_defs.benchmark_methods import METHODS
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    finite,
    in_set,
    not_above,
    not_blank,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import read_table
from assets_defs.sections import section
from mu0.params.benchmark import BenchmarkParams

KEYS = ("method", "split", "points", "horizon")
ERRORS_UV = ("ade_uv", "fde_uv", "dtw_uv", "frechet_uv")
ONLY_PIXELS = "clips without depth have no errors in metres"
PHASES = ("approach", "hover", "carry", "place")
NO_PHASES = "no held-out clip was simulated or captioned, so nobody knows its phases"
NEEDED = ("held_out", "unseen_objects", "unseen_camera")


def suites(root: Path) -> list[Suite]:
    """Suites about reports/benchmark_traces."""
    asked = section("benchmark", BenchmarkParams, root)
    horizons, n = asked.horizons, asked.n_samples
    best = f"minDTW_{n}_uv" if n > 1 else "dtw_uv"
    measured = tuple(dict.fromkeys((*ERRORS_UV, best)))
    folder = root / "reports/benchmark_traces"
    table = read_table(
        folder / "table.parquet",
        numbers=("horizon", "n_keypoints", "n_episodes", "latency_s", *measured),
        texts=("method", "split", "points"),
    )
    comparisons = read_table(
        folder / "comparisons.parquet",
        numbers=("horizon", "difference", "difference_low", "difference_high"),
        texts=("method", "split", "points", "metric"),
    )
    in_pixels = comparisons["metric"].str.endswith("_uv", na=True).astype(bool)
    everywhere = table[table["points"] == "all"]
    wanted = set(product(METHODS, NEEDED, horizons))
    there = set(zip(everywhere["method"], everywhere["split"], everywhere["horizon"], strict=True))
    return [
        Suite("table", table, [
            *unique_together(*KEYS),
            *not_blank("split", "points"),
            *(each for name in measured for each in between(name, 0.0)),
            *between("latency_s", 0.0),
            *in_set("method", list(METHODS)),
            *in_set("horizon", list(horizons)),
            *(each for name in ("n_keypoints", "n_episodes") for each in between(name, 1)),
            *not_above(best, "dtw_uv"),
        ]),
        Suite("comparisons", comparisons, [
            *unique_together(*KEYS, "metric"),
            *between("difference", may_be_null=ONLY_PIXELS),
        ]),
        Suite("intervals", comparisons[in_pixels | comparisons["difference"].notna()], [
            *finite("difference"),
            *not_above("difference_low", "difference_high"),
        ]),
        Suite("complete", facts(
            n_missing=float(len(wanted - there)),
            n_unequal_keypoints=float(_unequal_keypoints(table)),
            mu0_ade_below_static=_ade_below_static(everywhere),
        ), [
            *between("n_missing", 0, 0),
            *between("n_unequal_keypoints", 0, 0),
            *between("mu0_ade_below_static", 0.0, None, severity=WARNING),
        ]),
        *_phase_suites(folder),
    ]  # fmt: skip


def _unequal_keypoints(table: pd.DataFrame) -> int:
    """Splits, points and horizons in which methods were measured on different numbers of keypoints."""
    counts = table.groupby(["split", "points", "horizon"])[["n_keypoints", "n_episodes"]].nunique()
    return int((counts > 1).any(axis=1).sum())


def _phase_suites(folder: Path) -> list[Suite]:
    """Suites about the errors by phase and entity."""
    by_phase = read_table(
        folder / "by_phase.parquet",
        numbers=("horizon", "n_keypoints", "n_episodes", "ade_uv"),
        texts=("method", "source", "phase", "entity", "known_by"),
    )
    return [
        Suite("by_phase", by_phase, [
            *unique_together("method", "source", "phase", "entity", "horizon"),
            *not_blank("method", "source", "phase", "entity", "known_by"),
            *between("ade_uv", 0.0),
            *(each for name in ("n_keypoints", "n_episodes") for each in between(name, 1)),
        ], may_be_empty=NO_PHASES),
        Suite("phases", facts(**_phases_of(by_phase)), [
            *between("n_uneven_phases", 0, 0),
            *between("n_missing_phases", 0, 0, severity=WARNING),
        ]),
    ]  # fmt: skip


def _phases_of(by_phase: pd.DataFrame) -> dict[str, float]:
    """How many phases nobody has, and in how many phases and entities methods have other keypoints."""
    pooled = by_phase[by_phase["source"] == "all"]
    counts = pooled.groupby(["phase", "entity", "horizon"])["n_keypoints"].agg(["nunique", "count"])
    uneven = (counts["nunique"] > 1) | (counts["count"] < pooled["method"].nunique())
    missing = set(PHASES) - set(pooled["phase"])
    return {"n_uneven_phases": float(uneven.sum()), "n_missing_phases": float(len(missing))}


def _ade_below_static(table: pd.DataFrame) -> float:
    """How much lower than that of standing still μ0's error is, at the longest horizon [uv]."""
    rows = table[(table["split"] == "held_out") & (table["horizon"] == table["horizon"].max())]
    ade = rows.set_index("method")["ade_uv"]
    return float(ade.get("static", float("nan")) - ade.get("mu0", float("nan")))
