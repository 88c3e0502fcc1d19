"""Trace report: every method at every horizon with finite errors; μ0 beats standing still while carrying.

By phase: of a simulated source with at least `ENOUGH` episodes every phase must have rows, and μ0's errors
at gripper and target must be below those of standing still in the carrying; of smaller sources, and of those
whose phases captions tell, the same is a warning. That it is better in the approach is a warning, and that
the gripper's path ends within `GRASP_M` of the grasp: models of the profile `small` were 11 cm off.
"""

from itertools import product
from pathlib import Path

import pandas as pd

from assets_defs.checks.suite import (
    CRITICAL,
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
PHASES = ("approach", "hover", "carry", "place")
MOVING_ENTITIES = ("gripper", "target")
CARRY = tuple(f"carry_{entity}" for entity in MOVING_ENTITIES)
ENOUGH = 30  # with fewer, the short placing may have no moment by chance
GRASP_M = 0.03
NO_PHASES = "no held-out clip was simulated or captioned, so nobody knows its phases"
NO_GRIPPER = "no held-out clip was simulated, so nobody knows where its gripper is"
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
    by_phase = read_table(
        root / "reports/trace_report/by_phase.parquet",
        numbers=("horizon", "n_keypoints", "n_episodes", "ade_uv", "minus_static_ade_uv"),
        texts=("method", "source", "phase", "entity", "known_by"),
    )
    gripper = read_table(
        root / "reports/trace_report/gripper.parquet",
        numbers=("aim_xy_m", "n_episodes"),
        texts=("method", "source", "phase"),
    )
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
        Suite("by_phase", by_phase, [
            *unique_together("method", "source", "phase", "entity", "horizon"),
            *not_blank("method", "source", "phase", "entity", "known_by"),
            *between("ade_uv", 0.0),
            *(each for name in ("n_keypoints", "n_episodes") for each in between(name, 1)),
        ], may_be_empty=NO_PHASES),
        _phases(by_phase),
        Suite("gripper", gripper, [
            *unique_together("method", "source", "phase"),
            *in_set("phase", list(PHASES)),
            *between("aim_xy_m", 0.0),
            *between("n_episodes", 1),
        ], may_be_empty=NO_GRIPPER),
        Suite("grasp", gripper[
            (gripper["method"] == "mu0") & (gripper["source"] == "all") & (gripper["phase"] == "approach")
        ], between("aim_xy_m", 0.0, GRASP_M, severity=WARNING), may_be_empty=NO_GRIPPER),
    ]  # fmt: skip


def _phases(by_phase: pd.DataFrame) -> Suite:
    """By source: how many phases have no row, and how far μ0 is from standing still; below zero is better."""
    own = by_phase[(by_phase["source"] != "all") & (by_phase["method"] == "mu0")]
    own = own[(own["horizon"] == own["horizon"].max()) & own["entity"].isin(MOVING_ENTITIES)]
    own = own[own["phase"].isin(PHASES)]
    rows = {source: _facts_of(part) for source, part in own.groupby("source")}
    is_sure = any(row["is_sure"] for row in rows.values())
    judged = [{"source": name} | row for name, row in rows.items() if row["is_sure"] or not is_sure]
    severity = CRITICAL if is_sure else WARNING
    return Suite("phases", pd.DataFrame(judged), [
        *between("n_missing_phases", 0, 0, severity=severity),
        *(each for name in CARRY for each in between(name, None, 0.0, severity=severity)),
        *between("approach_gripper", None, 0.0, severity=WARNING),
    ] if judged else [], may_be_empty=NO_PHASES)  # fmt: skip


def _facts_of(rows: pd.DataFrame) -> dict[str, float | bool]:
    difference = rows.set_index(["phase", "entity"])["minus_static_ade_uv"].to_dict()
    nothing = float("nan")
    return {
        "is_sure": bool((rows["known_by"] == "simulator").all() and rows["n_episodes"].max() >= ENOUGH),
        "n_missing_phases": float(len(set(PHASES) - set(rows["phase"]))),
        "approach_gripper": difference.get(("approach", "gripper"), nothing),
    } | {f"carry_{entity}": difference.get(("carry", entity), nothing) for entity in MOVING_ENTITIES}
