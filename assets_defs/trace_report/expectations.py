"""Trace report: every method at every horizon with finite errors; μ0 should beat the static baseline."""

from itertools import product
from pathlib import Path

from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    finite,
    has_columns,
    in_set,
    n_rows,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import read_table
from assets_defs.sections import section
from mu0.files import read_json
from mu0.params.world_model import TraceReportParams

METHODS = ("mu0", "static", "constant_velocity")
ERRORS_UV = ("ade_uv", "fde_uv")


def suites(root: Path) -> list[Suite]:
    """Suites about reports/trace_report and its headline numbers."""
    asked = section("trace_report", TraceReportParams, root)
    table = read_table(root / "reports/trace_report/table.parquet")
    metrics = read_json(root / "reports/trace_report_metrics.json")
    pooled = table[(table["source"] == "all") & (table["points"] == "all")]
    wanted = set(product(METHODS, asked.horizons))
    there = set(zip(pooled["method"], pooled["horizon"], strict=True))
    in_3d = pooled["ade_m"].dropna()
    return [
        Suite("table", table, [
            *has_columns("method", "source", "points", "horizon", *ERRORS_UV),
            n_rows(1),
            unique_together("method", "source", "points", "horizon"),
        ]),
        Suite("pooled", pooled, [
            *finite(*ERRORS_UV),
            *(between(name, 0.0, None) for name in ERRORS_UV),
            in_set("horizon", list(asked.horizons)),
        ]),
        Suite("complete", facts(
            n_missing=float(len(wanted - there)),
            smallest_error_m=float(in_3d.min()) if len(in_3d) else 0.0,
            mu0_minus_static_ade_uv=float(metrics.get("mu0_minus_static_ade_uv", "nan")),
        ), [
            between("n_missing", 0, 0),
            between("smallest_error_m", 0.0, 1e6),
            between("mu0_minus_static_ade_uv", None, 0.0, severity=WARNING),
        ]),
    ]  # fmt: skip
