"""Stage `trace_audit`: extracted traces of simulated clips against exact truth."""

from pathlib import Path

from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.evaluation.traces.audit_folders import audit_folders, summarize
from mu0.files import atomic_file, atomic_folder, write_json
from mu0.params.extract import TraceAuditParams

EPISODES = Path("data/extracted_traces")
TRUTH = Path("data/ground_truth_tracks")
REPORT = Path("reports/trace_audit")
METRICS = Path("reports/trace_audit_metrics.json")


def main() -> None:
    """Audit up to `trace_audit.max_clips` episodes per source that have a truth."""
    table = audit_folders(EPISODES, TRUTH, section("trace_audit", TraceAuditParams).max_clips)
    summary = summarize(table)
    with atomic_folder(REPORT) as folder:
        with atomic_file(folder / "audit.parquet") as temporary:
            table.to_parquet(temporary, index=False)
        write_json(folder / "summary.json", summary)
    write_json(METRICS, summary)


if __name__ == "__main__":
    run_stage(main)
