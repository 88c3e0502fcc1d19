"""Stage `trace_audit`: extracted traces of simulated clips against exact truth."""

from pathlib import Path

from assets_defs.audit_files import write_audit
from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.evaluation.traces.audit_folders import audit_folders, summarize
from mu0.params.extract import TraceAuditParams

EPISODES = Path("data/extracted_traces")
TRUTH = Path("data/ground_truth_tracks")
REPORT = Path("reports/trace_audit")
METRICS = Path("reports/trace_audit_metrics.json")


def main() -> None:
    """Audit up to `trace_audit.max_clips` episodes per source that have a truth."""
    table = audit_folders(EPISODES, TRUTH, section("trace_audit", TraceAuditParams).max_clips)
    write_audit(REPORT, METRICS, table, summarize(table))


if __name__ == "__main__":
    run_stage(main)
