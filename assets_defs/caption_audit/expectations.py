"""Caption audit: events begin where something else begins, skills and claims about motion are true."""

from pathlib import Path

import pandas as pd

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import Suite, between, not_blank, unique
from assets_defs.checks.tables import number_at
from assets_defs.sections import section
from mu0.files import read_json

SCORES = ("boundary_f1", "skill_accuracy", "claims_right")
NOTHING_SIMULATED = "no captioned clip was simulated, so nobody knows the truth"


def suites(root: Path) -> list[Suite]:
    """A suite about the scores of every source in reports/caption_audit_metrics.json."""
    limits = section("checks", ChecksParams, root)
    summary = read_json(root / "reports/caption_audit_metrics.json")
    rows = [
        {"source": source} | {name: number_at(scores, name) for name in (*SCORES, "n_events")}
        for source, scores in summary.items()
    ]
    table = pd.DataFrame(rows, columns=["source", *SCORES, "n_events"])
    return [
        Suite("sources", table, [
            *not_blank("source"),
            *unique("source"),
            *between("n_events", 1),
            *between("boundary_f1", limits.min_caption_boundary_f1, 1.0),
            *between("skill_accuracy", limits.min_caption_skill_accuracy, 1.0),
            *between("claims_right", limits.min_caption_claims_right, 1.0),
        ], may_be_empty=NOTHING_SIMULATED),
    ]  # fmt: skip
