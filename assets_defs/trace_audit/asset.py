"""How true the extracted traces are, where a simulator knows the truth."""

from assets_defs.graph import Stage
from assets_defs.parts import EXTRACTION, code, command, report
from mu0.params.extract import TraceAuditParams

SECTIONS = {"trace_audit": TraceAuditParams}

STAGES = (
    Stage(
        "trace_audit",
        command=command("trace_audit"),
        code=code("trace_audit", "assets_defs/audit_files.py", *EXTRACTION, "mu0/sources", "mu0/evaluation"),
        inputs=("extracted_traces", "ground_truth_tracks"),
        params=("trace_audit",),
        outputs=(
            report(
                "trace_audit",
                "team:perception",
                "Extracted traces of the simulated clips against exact truth.",
            ),
        ),
        metrics=("reports/trace_audit_metrics.json",),
    ),
)
