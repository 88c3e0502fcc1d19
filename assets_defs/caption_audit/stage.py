"""Stage `caption_audit`: captions of simulated clips against what their demonstrator did."""

from pathlib import Path

from assets_defs.audit_files import write_audit
from assets_defs.entry import run_stage
from assets_defs.sections import section
from mu0.evaluation.captions.audit_folders import audit_caption_folders, summarize_captions
from mu0.params.extract import CaptionAuditParams

CAPTIONS = Path("data/captions")
EPISODES = Path("data/extracted_traces")
TRUTH = Path("data/ground_truth_tracks")
REPORT = Path("reports/caption_audit")
METRICS = Path("reports/caption_audit_metrics.json")


def main() -> None:
    """Audit up to `caption_audit.max_clips` episodes per source that have a truth."""
    most = section("caption_audit", CaptionAuditParams).max_clips
    table = audit_caption_folders(CAPTIONS, EPISODES, TRUTH, most)
    write_audit(REPORT, METRICS, table, summarize_captions(table))


if __name__ == "__main__":
    run_stage(main)
