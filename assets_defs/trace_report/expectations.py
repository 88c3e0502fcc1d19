"""Trace report: every method at every horizon with finite errors; μ0 should beat the static baseline."""

from itertools import product
from pathlib import Path

from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    in_set,
    not_blank,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import number_at, read_table
from assets_defs.sections import section
from mu0.files import read_json
from mu0.params.world_model import TraceReportParams

METHODS = ("mu0", "static", "constant_velocity")
ERRORS_UV = ("ade_uv", "fde_uv")
LARGEST_M = 1e6
ONLY_PIXELS = "clips without depth have no errors in metres"


def suites(root: Path) -> list[Suite]:
    """Suites about reports/trace_report and its headline numbers."""
    asked = section("trace_report", TraceReportParams, root)
    table = read_table(
        root / "reports/trace_report/table.parquet",
        numbers=("horizon", *ERRORS_UV, "ade_m", "n_keypoints", "n_episodes"),
        texts=("method", "source", "points"),
    )
    headline = number_at(read_json(root / "reports/trace_report_metrics.json"), "mu0_minus_static_ade_uv")
    pooled = table[(table["source"] == "all") & (table["points"] == "all")]
    wanted = set(product(METHODS, asked.horizons))
    there = set(zip(pooled["method"], pooled["horizon"], strict=True))
    return [
        Suite("table", table, [
            *unique_together("method", "source", "points", "horizon"),
            *not_blank("method", "source", "points"),
            *in_set("horizon", list(asked.horizons)),
            *(each for name in ERRORS_UV for each in between(name, 0.0)),
            *(each for name in ("n_keypoints", "n_episodes") for each in between(name, 1)),
        ]),
        Suite("pooled", pooled, between("ade_m", 0.0, LARGEST_M, may_be_null=ONLY_PIXELS)),
        Suite("complete", facts(n_missing=float(len(wanted - there)), mu0_minus_static_ade_uv=headline), [
            *between("n_missing", 0, 0),
            *between("mu0_minus_static_ade_uv"),
            *between("mu0_minus_static_ade_uv", None, 0.0, severity=WARNING),
        ]),
    ]  # fmt: skip
